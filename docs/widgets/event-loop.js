// The event loop: clients send, stall and hang up; where a thread each, a readiness loop and tasks
// then stand. The model knows, for each client, how far its frame has come and whether its reply waits.
(function () {
  "use strict";

  const NAMES = ["A", "B", "C"];

  // ---- the model ----

  const fresh = () => ({ open: true, half: false, reading: true, owed: 0, unread: 0 });

  // What each action does to a client, and what is to be told of it; nothing when it cannot be done.
  const ACTIONS = {
    "sends a frame": (client) => arrives(client, false),
    "sends half a frame": (client) => arrives(client, true),
    "stops reading": (client) => {
      if (!client.reading) return null;
      client.reading = false;
      return "nobody notices, until the buffers are full";
    },
    "reads again": (client) => {
      if (client.reading) return null;
      const late = client.owed + client.unread;
      Object.assign(client, { reading: true, owed: 0, unread: 0 });
      return late > 0 ? "there is room: what waited is sent, and reading goes on" : "nothing waited";
    },
    "hangs up": (client) => {
      client.open = false;
      return client.owed > 0
        ? "it left replies unread, so this is a reset, and the write fails: its thread ends, its entry is removed, its task is done"
        : "a read returns 0: its thread ends, its entry is removed, its task is done";
    },
  };

  function arrives(client, half) {
    if (client.owed > 0) {
      client.unread += 1;
      return "nobody reads it: its replies wait, so its bytes stay in the kernel";
    }
    if (half && !client.half) {
      client.half = true;
      return "a part of a frame: kept, and no answer yet";
    }
    const rest = client.half && !half ? "; the first half of the next one is kept" : "";
    client.half = rest !== "";
    if (!client.reading) {
      client.owed = 1;
      return `the frame is whole, and there is no room for its reply (the buffers are small here)${rest}`;
    }
    return `the frame is whole, and answered${rest}`;
  }

  // Where the three servers stand with a client.
  function places(client) {
    if (!client.open) return ["no thread", "no entry", "no task"];
    if (client.owed > 0) {
      return ["asleep in write", "reply kept; asks for WRITABLE only", "at write_all().await"];
    }
    if (client.half) {
      return ["asleep in read, half a frame on its stack", "half a frame in its entry", "at read().await, half a frame in its future"];
    }
    return ["asleep in read", "an empty entry; asks for READABLE", "at read().await"];
  }

  function threads(clients) {
    const open = clients.filter((client) => client.open).length;
    return [`${open + 1} threads`, "1 thread, asleep in poll", "1 thread, asleep in the runtime's poll"];
  }

  // ---- the view ----

  function element(name, properties, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  function build(root) {
    let clients = NAMES.map(fresh);
    const who = element("select", {}, ...NAMES.map((name) => element("option", { value: name }, `client ${name}`)));
    who.setAttribute("aria-label", "which client");
    const told = element("output", {});
    told.setAttribute("aria-live", "polite");
    const body = element("tbody", {});

    function show(text) {
      told.textContent = text;
      const rows = clients.map((client, index) => row(NAMES[index], places(client)));
      body.replaceChildren(...rows, row("all", threads(clients)));
    }

    function row(name, cells) {
      const head = element("th", { scope: "row" }, name);
      return element("tr", {}, head, ...cells.map((cell) => element("td", {}, cell)));
    }

    function act(action) {
      const index = NAMES.indexOf(who.value);
      const client = clients[index];
      if (action !== "hangs up" && !client.open) {
        clients[index] = fresh();
        return show(`${who.value} had left, and connects again: a new thread, a new entry, a new task`);
      }
      const text = client.open ? ACTIONS[action](client) : "it has left already";
      show(`${who.value} ${action}: ${text ?? "so it does already"}.`);
    }

    const buttons = Object.keys(ACTIONS).map((action) =>
      element("button", { type: "button", onclick: () => act(action) }, action),
    );
    const again = element("button", { type: "button" }, "from the start");
    again.onclick = () => {
      clients = NAMES.map(fresh);
      show("Three clients are connected and say nothing.");
    };
    const heads = ["", "a thread each", "a readiness loop", "tasks"].map((text) =>
      text === "" ? element("td", {}) : element("th", { scope: "col" }, text),
    );
    const table = element("table", {}, element("thead", {}, element("tr", {}, ...heads)), body);
    const scroller = element("div", { className: "scroller" }, table);
    scroller.tabIndex = 0;
    scroller.setAttribute("role", "region");
    scroller.setAttribute("aria-label", "where the three servers stand");
    root.replaceChildren(element("div", { className: "controls" }, who, ...buttons, again), told, scroller);
    show("Three clients are connected and say nothing.");
  }

  document.querySelectorAll('[data-widget="event-loop"]').forEach(build);
})();
