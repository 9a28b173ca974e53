// The latency explorer: round trips by size and regime, from the book's sample or from the reader's own
// report.json. The schema is that of crates/ipc-bench/src/report.rs.
(function () {
  "use strict";

  const SCHEMA = 1;
  const TRANSPORTS = {
    "unix-stream": "Unix stream",
    tcp: "TCP",
    "unix-seqpacket": "Unix seqpacket",
    "unix-datagram": "Unix datagram",
    udp: "UDP",
    pipe: "pipe",
  };
  const REGIMES = {
    "stack-alone": "stack alone",
    "one-core": "one core",
    "two-cores": "two cores",
    unpinned: "unpinned",
  };
  const DASHES = { "unix-stream": "none", tcp: "7 4", "unix-seqpacket": "2 3", "unix-datagram": "10 3 2 3", udp: "4 2 1 2", pipe: "1 4" };
  // A difference smaller than this is none: another run turns it around.
  const EVEN = 0.05;

  // ---- what a report says ----

  function read(text) {
    const report = JSON.parse(text);
    if (report.schema !== SCHEMA || !Array.isArray(report.figures)) {
      throw new Error(`it has no figures of schema ${SCHEMA}`);
    }
    return report;
  }

  function roundTrips(report) {
    return report.figures.filter((figure) => figure.measure === "round-trip");
  }

  function sizes(report) {
    return [...new Set(roundTrips(report).map((figure) => figure.size))].sort((a, b) => a - b);
  }

  function choose(report, size, regime) {
    const order = Object.keys(TRANSPORTS);
    return roundTrips(report)
      .filter((figure) => figure.size === size && figure.regime === regime)
      .filter((figure) => order.includes(figure.transport))
      .sort((a, b) => order.indexOf(a.transport) - order.indexOf(b.transport));
  }

  // Paired within blocks where the report has it, which a quotient of two medians is not.
  function ratioOf(report, size, regime) {
    const fits = (one) => one.measure === "round-trip" && one.size === size && one.regime === regime;
    const pair = (report.ratios || []).find((one) => fits(one) && one.transport === "tcp" && one.over === "unix-stream");
    return pair ? pair.ratio : undefined;
  }

  function verdict(report, size, regime) {
    const at = `At ${sizeName(size)}, ${REGIMES[regime]}:`;
    const figures = choose(report, size, regime);
    const p50 = (transport) => (figures.find((figure) => figure.transport === transport) || {}).p50_ns;
    const [unix, tcp] = [p50("unix-stream"), p50("tcp")];
    if (unix === undefined || tcp === undefined) {
      return `${at} not measured over both transports in this report.`;
    }
    const ratio = ratioOf(report, size, regime) || tcp / unix;
    const both = `the median is ${timeName(unix)} over a Unix stream and ${timeName(tcp)} over TCP`;
    if (Math.abs(ratio - 1) < EVEN) {
      return `${at} ${both}. That is as good as even (${ratio.toFixed(2)} times).`;
    }
    if (ratio > 1 !== tcp > unix) {
      return `${at} ${both}. Too close to call: paired run by run, TCP takes ${ratio.toFixed(2)} times as long.`;
    }
    return ratio > 1
      ? `${at} ${both}. TCP takes ${ratio.toFixed(2)} times as long.`
      : `${at} ${both}. TCP wins: it takes ${ratio.toFixed(2)} times as long.`;
  }

  function environment(report) {
    const env = report.environment || {};
    const parts = [env.kernel, env.cpu, env.processors && `${env.processors} processors`, env.virtual_machine && "a virtual machine"];
    const others = env.others_share;
    if (typeof others === "number") {
      parts.push(`${Math.round(others * 100)} % taken by other processes meanwhile`);
    }
    return parts.filter(Boolean).join(", ");
  }

  function sizeName(bytes) {
    return bytes >= 1024 && bytes % 1024 === 0 ? `${bytes / 1024} KiB` : `${bytes} B`;
  }

  function timeName(ns) {
    if (ns < 1e3) {
      return `${ns.toFixed(0)} ns`;
    }
    const [value, unit] = ns < 1e6 ? [ns / 1e3, "µs"] : [ns / 1e6, "ms"];
    return `${value.toPrecision(3)} ${unit}`;
  }

  // ---- the page ----

  function element(name, attributes, ...children) {
    const made = document.createElement(name);
    Object.entries(attributes || {}).forEach(([key, value]) => made.setAttribute(key, value));
    made.append(...children);
    return made;
  }

  function drawing(name, attributes, text) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
    if (text !== undefined) {
      made.textContent = text;
    }
    return made;
  }

  const PLOT = { left: 40, right: 388, top: 14, bottom: 180 };

  function plot(figures, title) {
    const svg = drawing("svg", { viewBox: "0 0 400 236", role: "img", "aria-label": `${title} The table below has the numbers.` });
    const times = figures.flatMap((figure) => figure.cdf.map(([, ns]) => ns));
    if (times.length === 0) {
      return svg;
    }
    const low = Math.floor(Math.log10(Math.max(1, Math.min(...times))));
    const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...times))));
    const x = (ns) => PLOT.left + ((Math.log10(Math.max(1, ns)) - low) / (high - low)) * (PLOT.right - PLOT.left);
    const y = (share) => PLOT.bottom - share * (PLOT.bottom - PLOT.top);
    const grid = drawing("g", { fill: "none", stroke: "currentColor", "stroke-width": "0.5", opacity: "0.4" });
    const words = drawing("g", { fill: "currentColor", "font-size": "12" });
    for (let power = low; power <= high; power += 1) {
      grid.append(drawing("path", { d: `M${x(10 ** power)} ${PLOT.top}V${PLOT.bottom}` }));
      words.append(drawing("text", { x: x(10 ** power), y: PLOT.bottom + 15, "text-anchor": power === high ? "end" : power === low ? "start" : "middle" }, timeName(10 ** power).replace(/\.0+ /, " ")));
    }
    [0, 0.5, 0.9, 1].forEach((share) => {
      grid.append(drawing("path", { d: `M${PLOT.left} ${y(share)}H${PLOT.right}` }));
      words.append(drawing("text", { x: PLOT.left - 4, y: y(share) + 4, "text-anchor": "end" }, `${share * 100} %`));
    });
    svg.append(grid, words);
    figures.forEach((figure, row) => {
      const points = figure.cdf.map(([share, ns]) => `${x(ns).toFixed(1)} ${y(share).toFixed(1)}`);
      const line = { fill: "none", stroke: "currentColor", "stroke-width": "1.8", "stroke-dasharray": DASHES[figure.transport] };
      svg.append(drawing("path", { ...line, d: `M${points.join("L")}` }));
      const [left, top] = [PLOT.left + (row % 3) * 116, PLOT.bottom + 32 + Math.floor(row / 3) * 16];
      svg.append(drawing("path", { ...line, d: `M${left} ${top - 4}h22` }));
      words.append(drawing("text", { x: left + 27, y: top }, TRANSPORTS[figure.transport]));
    });
    return svg;
  }

  function table(figures) {
    const head = ["transport", "p50", "p90", "p99", "samples"].map((name) => element("th", { scope: "col" }, name));
    const rows = figures.map((figure) => {
      const cells = [figure.p50_ns, figure.p90_ns, figure.p99_ns].map(timeName);
      cells.push(figure.samples.toLocaleString("en"));
      const name = element("th", { scope: "row" }, TRANSPORTS[figure.transport]);
      return element("tr", {}, name, ...cells.map((cell) => element("td", {}, cell)));
    });
    return element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows));
  }

  function buttons(legend, names, chosen, choose) {
    const row = element("div", { class: "row", role: "group", "aria-label": legend }, element("span", { "aria-hidden": "true" }, legend));
    const all = names.map(([value, name]) => {
      const button = element("button", { type: "button", "aria-pressed": String(value === chosen) }, name);
      button.addEventListener("click", () => {
        all.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
        choose(value);
      });
      return button;
    });
    row.append(...all);
    return row;
  }

  function start(widget, sample) {
    const state = { report: sample, size: 64, regime: "one-core", source: "the book's sample" };
    const controls = element("div", {});
    const said = element("p", { role: "status", "aria-live": "polite" });
    const shown = element("div", { class: "shown", tabindex: "0", role: "group", "aria-label": "plot and table" });
    const from = element("p", { class: "from" });

    function show() {
      const figures = choose(state.report, state.size, state.regime);
      said.textContent = verdict(state.report, state.size, state.regime);
      const parts = figures.length === 0 ? [] : [plot(figures, said.textContent), table(figures)];
      shown.replaceChildren(...parts);
      from.textContent = `Measured on: ${environment(state.report)} (${state.source}).`;
    }

    function set(change) {
      Object.assign(state, change);
      show();
    }

    function build() {
      const known = sizes(state.report);
      state.size = known.includes(state.size) ? state.size : known[0];
      controls.replaceChildren(
        buttons("size", known.map((size) => [size, sizeName(size)]), state.size, (size) => set({ size })),
        buttons("regime", Object.entries(REGIMES), state.regime, (regime) => set({ regime })),
      );
      show();
    }

    async function open(file) {
      try {
        state.report = read(await file.text());
        state.source = file.name;
        build();
      } catch (error) {
        said.textContent = `${file.name} is no report of ipc-bench: ${error.message}.`;
      }
    }

    const picker = element("input", { type: "file", accept: ".json,application/json" });
    picker.addEventListener("change", () => picker.files[0] && open(picker.files[0]));
    const own = element("label", { class: "own" }, "Your own target/ipc-bench/report.json: ", picker);
    build();
    widget.replaceChildren(controls, said, shown, from, own);
  }

  const sample = window.pocketLatencySample;
  document.querySelectorAll('[data-widget="latency-explorer"]').forEach((widget) => {
    if (sample) {
      start(widget, sample);
    }
  });
})();
