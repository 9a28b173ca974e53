// The stream: choose the sends and the reads, and see which bytes a read returns.
// The model is the kernel's queue: a send appends, a read takes at most so many bytes from the front.
(function () {
  "use strict";

  const HEADER = 4;

  // ---- the model ----

  function Model(framed) {
    this.framed = framed;
    this.messages = []; // their texts, in the order of the sends
    this.queue = []; // bytes sent and not yet read: {of: index of a message, value, header}
    this.kept = []; // framed only: bytes read that are no whole frame yet
  }

  Model.prototype.send = function (text) {
    const of = this.messages.push(text) - 1;
    const bytes = encode(text);
    if (this.framed) {
      const length = [0, 0, 0, bytes.length];
      length.forEach((value) => this.queue.push({ of, value, header: true }));
    }
    bytes.forEach((value) => this.queue.push({ of, value, header: false }));
    return `send: ${quote(text)}, ${count(bytes.length + (this.framed ? HEADER : 0))}`;
  };

  Model.prototype.read = function (size) {
    if (this.queue.length === 0) {
      return `read(${size}) waits: nothing has come`;
    }
    const got = this.queue.splice(0, size);
    const what = `read(${size}) returns ${count(got.length)}`;
    if (!this.framed) {
      return `${what}, ${quote(text(got))}: ${this.judge(got)}`;
    }
    this.kept.push(...got);
    const whole = this.takeFrames().map(quote);
    const messages = whole.length > 0 ? `whole now: ${whole.join(", ")}` : "no frame is whole yet";
    const rest = this.kept.length > 0 ? `; ${count(this.kept.length)} kept for the next read` : "";
    return `${what}; ${messages}${rest}`;
  };

  // What a reader who takes this read for a message has in hand.
  Model.prototype.judge = function (got) {
    const parts = [...new Set(got.map((byte) => byte.of))].map((of) => {
      const size = got.filter((byte) => byte.of === of).length;
      const whole = size === encode(this.messages[of]).length;
      return (whole ? "" : "a part of ") + quote(this.messages[of]);
    });
    if (parts.length > 1) {
      return `joined, ${parts.join(" and ")}`;
    }
    return parts[0].startsWith("a part") ? `split, ${parts[0]}` : "a whole message, by luck";
  };

  Model.prototype.takeFrames = function () {
    const taken = [];
    for (;;) {
      const length = this.kept.length < HEADER ? Infinity : this.kept[HEADER - 1].value;
      if (this.kept.length < HEADER + length) {
        return taken;
      }
      taken.push(text(this.kept.splice(0, HEADER + length).slice(HEADER)));
    }
  };

  const encode = (text) => Array.from(new TextEncoder().encode(text));
  // A letter that was cut shows as what decoding makes of its parts.
  const text = (bytes) => new TextDecoder().decode(Uint8Array.from(bytes, (byte) => byte.value));
  const quote = (words) => `“${words}”`;
  const count = (number) => (number === 1 ? "1 byte" : `${number} bytes`);

  // ---- the view ----

  function element(name, properties, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  function shown(byte) {
    const printable = !byte.header && byte.value >= 0x20 && byte.value < 0x7f;
    return printable ? String.fromCharCode(byte.value) : byte.value.toString(16).padStart(2, "0");
  }

  function row(bytes, label) {
    const cells = bytes.map((byte) => {
      const kind = (byte.of % 2 ? " odd" : "") + (byte.header ? " header" : "");
      return element("span", { className: "byte" + kind, textContent: shown(byte) });
    });
    const line = element("div", { className: "bytes" }, ...cells);
    line.setAttribute("role", "img");
    line.setAttribute("aria-label", `${label}: ${bytes.length ? bytes.map(shown).join(" ") : "nothing"}`);
    return element("div", {}, element("p", { textContent: `${label} (${count(bytes.length)})` }), line);
  }

  function build(widget) {
    let model = new Model(false);
    const rows = element("div", { className: "rows" });
    const log = element("ol", { className: "log" });
    log.setAttribute("aria-live", "polite");

    function show(line) {
      if (line) {
        log.append(element("li", { textContent: line }));
      }
      const parts = [row(model.queue, "In the stream")];
      if (model.framed) {
        parts.push(row(model.kept, "Kept by the reader"));
      }
      rows.replaceChildren(...parts);
    }

    function restart() {
      model = new Model(frames.checked);
      log.replaceChildren();
      show();
    }

    const button = (words, action) => {
      const made = element("button", { type: "button", textContent: words });
      made.addEventListener("click", action);
      return made;
    };
    const sizes = [3, 8, 1024].map((size) => element("option", { value: size, textContent: size }));
    const size = element("select", { value: "8" }, ...sizes);
    size.value = "8";
    const own = element("input", { type: "text", value: "good night", maxLength: 20, size: 12 });
    const frames = element("input", { type: "checkbox" });
    frames.addEventListener("change", restart);

    widget.replaceChildren(
      element("p", { className: "controls" },
        button("send hello", () => show(model.send("hello"))),
        button("send world", () => show(model.send("world"))),
        element("label", {}, "at most ", size, " bytes "),
        button("read", () => show(model.read(Number(size.value)))),
      ),
      element("p", { className: "controls" },
        element("label", {}, "other text ", own),
        button("send it", () => own.value && show(model.send(own.value))),
        element("label", {}, frames, " with frames"),
        button("start again", restart),
      ),
      rows,
      log,
    );
    show();
  }

  document.querySelectorAll('[data-widget="the-stream"]').forEach(build);
})();
