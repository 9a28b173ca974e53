// A timeline, for the widgets that show who sees what, and when: choices above; below a row for each side,
// with what happens to it drawn in time, and told in words.
(function () {
  "use strict";

  function element(name, properties, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  // Builds a widget from its description:
  //   choices  { name: [label, [[value, words], …]], … }, the first value of each being the one to begin with
  //   picture  makes of what is chosen, { name: value, … }, what is to be seen:
  //            summary, lines [{ at, label, kind }] and rows [{ name, who, bars, marks, told }],
  //            with bars [{ from, to, kind }], marks [{ at, sign }] and told [[time, words], …]
  //   place    the place of a time between the left edge, 0, and the right one, 1
  //   written  a time in words
  //   legend   [[sign, or kind of a bar; words], …], and note, a sentence below it
  window.pocketTimeline = function (widget, { choices, picture, place, written, legend, note }) {
    const percent = (time) => `${place(time) * 100}%`;

    function at(time, className, ...children) {
      const made = element("span", { className }, ...children);
      made.style.insetInlineStart = percent(time);
      return made;
    }

    function track(...children) {
      const made = element("div", { className: "track" }, ...children);
      made.setAttribute("aria-hidden", "true"); // the words beside it say the same
      return made;
    }

    function ruler(lines) {
      const labels = lines.filter((line) => line.label).map((line) => at(line.at, "label", line.label));
      const made = element("li", { className: "ruler" }, element("p", { className: "who" }), track(...labels));
      made.setAttribute("aria-hidden", "true");
      return made;
    }

    function view(lines, { name, who, bars, marks, told }) {
      const drawn = bars.map(({ from, to, kind }) => {
        const made = at(from, `bar ${kind}`);
        made.style.insetInlineEnd = `calc(100% - ${percent(to)})`;
        return made;
      });
      const through = lines.map((line) => at(line.at, `line ${line.kind}`));
      const signs = marks.map((mark) => at(mark.at, "mark", mark.sign));
      const inOrder = [...told].sort(([one], [other]) => one - other);
      const words = inOrder.map(([time, text]) =>
        element("li", {}, element("span", { className: "time", textContent: written(time) }), " ", element("span", { textContent: text })));
      return element("li", {},
        element("p", { className: "who" }, element("strong", { textContent: name }), ` ${who}`),
        track(...through, ...drawn, ...signs),
        element("ul", { className: "told" }, ...words));
    }

    const chosen = Object.fromEntries(Object.entries(choices).map(([name, [, [[first]]]]) => [name, first]));
    const list = element("ul", { className: "rows" });
    const sum = element("p", { className: "result" });
    sum.setAttribute("role", "status");

    function show() {
      const { summary, lines, rows } = picture(chosen);
      sum.textContent = summary;
      list.replaceChildren(ruler(lines), ...rows.map((row) => view(lines, row)));
    }

    const controls = Object.entries(choices).map(([name, [label, options]]) => {
      const made = options.map(([value, textContent]) => element("option", { value, textContent }));
      const select = element("select", { name }, ...made);
      select.addEventListener("change", () => {
        chosen[name] = select.value;
        show();
      });
      return element("label", {}, `${label} `, select);
    });
    const explained = legend.map(([sign, words]) => {
      const sample = sign.length === 1 ? sign : element("span", { className: `sample ${sign}` });
      return element("span", {}, sample, ` ${words}`);
    });
    widget.classList.add("timeline");
    widget.replaceChildren(
      element("div", { className: "controls" }, ...controls), sum, list,
      element("p", { className: "legend" }, ...explained), element("p", { className: "note", textContent: note }));
    show();
  };
})();
