// The drain: five clients, a signal, perhaps a second one, and the deadline; who gets what, and when.
// The model has no clock: from the choices follows when the server ends, and from that what each client
// gets. Its rules are those of the finished servers, see "What the servers promise" in the appendix.
(function () {
  "use strict";

  // ---- the model; times are seconds after the first signal ----

  const DEADLINE = 5; // --drain-timeout 5s
  const SENT_TWICE = 0.2; // a signal that comes this soon after the first is the first, sent twice
  const COMES = 0.5; // E
  const STARTS = 0.5; // what the next run needs until it listens

  // The first of each is the one to begin with.
  const CHOICES = {
    listener: ["The listener is", [["tcp", "its own, TCP"], ["unix", "its own, Unix"], ["inherited", "inherited"]]],
    answer: ["B’s answer is ready", [["3", "after 3 s"], ["1", "after 1 s"], ["8", "after 8 s"]]],
    rest: ["C sends the rest", [["never", "never"], ["before", "just before the signal"], ["after", "just after it"]]],
    second: ["A second signal comes", [["never", "never"], ["0.1", "after 0.1 s"], ["2", "after 2 s"]]],
  };

  // When and how the server ends.
  function ending(chosen) {
    const ready = Number(chosen.answer);
    const second = chosen.second === "never" ? Infinity : Number(chosen.second);
    const cut = Math.min(DEADLINE, second < SENT_TWICE ? Infinity : second);
    return ready <= cut ? { at: ready, code: 0 } : { at: cut, code: 3, why: cut === DEADLINE ? "the deadline" : "the second signal" };
  }

  // A row: who it is; bars and marks to be drawn; and the same in words, each with its time.
  const row = (name, who, bars, marks, told) => ({ name, who, bars, marks, told });
  const bar = (from, to, kind = "on") => ({ from, to, kind });
  const mark = (at, kind) => ({ at, sign: SIGNS[kind] });
  const SIGNS = { answer: "✓", end: "|", told: "!", lost: "✕" };

  function rows(chosen) {
    const end = ending(chosen);
    const next = end.at + STARTS;
    return [listener(chosen, next), server(chosen, end, next), idle(), working(end), half(chosen), ...outside(chosen, next)];
  }

  function listener(chosen, next) {
    if (chosen.listener === "inherited") {
      const told = [[0, "stays open, and its path stays: the supervisor has it too"]];
      return row("", "the listener", [bar(-1, Infinity)], [], told);
    }
    const closes = chosen.listener === "unix" ? "its path is removed, then it is closed" : "closed";
    const told = [[0, closes], [next, "the next run’s: until then nobody can connect"]];
    return row("", "the listener", [bar(-1, 0), bar(next, Infinity)], [], told);
  }

  function server(chosen, end, next) {
    const told = [[0, "drains: no more is accepted, what has come is answered"]];
    const second = Number(chosen.second);
    if (second < SENT_TWICE) {
      told.push([second, "a signal within 0.2 s is the first, sent twice"]);
    }
    told.push([end.at, end.code === 0 ? "nothing is left: exit code 0" : `${end.why} cuts: exit code 3`]);
    if (second > end.at) {
      told.push([second, "the second signal finds no such process"]);
    }
    told.push([next, "the next run serves"]);
    return row("", "the server", [bar(-1, 0), bar(0, end.at, "drains"), bar(next, Infinity)], [], told);
  }

  function idle() {
    return row("A", "is idle", [bar(-1, 0)], [mark(0, "end")], [[0, "end of stream: it loses nothing"]]);
  }

  function working(end) {
    const who = "has a request in progress";
    if (end.code === 0) {
      return row("B", who, [bar(-1, end.at)], [mark(end.at, "answer")], [[end.at, "its answer, then end of stream"]]);
    }
    const told = [[end.at, "end of stream and no answer: it cannot know how far its request went"]];
    return row("B", who, [bar(-1, end.at)], [mark(end.at, "lost")], told);
  }

  function half(chosen) {
    const who = "has sent half a frame";
    if (chosen.rest === "before") {
      const told = [[0, "its answer, then end of stream: the frame was whole in time"]];
      return row("C", who, [bar(-1, 0)], [mark(0, "answer")], told);
    }
    const late = chosen.rest === "after" ? "; the rest is thrown away" : "";
    return row("C", who, [bar(-1, 0)], [mark(0, "told")], [[0, `Error 7, Draining, then end of stream${late}`]]);
  }

  // Those that nobody has accepted.
  function outside(chosen, next) {
    const [queued, comes] = ["is in the backlog, not accepted", "comes after 0.5 s"];
    if (chosen.listener === "inherited") {
      const served = [next, "accepted by the next run, and answered"];
      const waits = (from) => [[bar(from, next, "waits"), bar(next, Infinity)], [mark(next, "answer")]];
      return [
        row("D", queued, ...waits(-1), [[0, "nothing happens to it: it waits on"], served]),
        row("E", comes, ...waits(COMES), [[COMES, "connected: it waits in the backlog"], served]),
      ];
    }
    const refused = chosen.listener === "unix" ? "ENOENT: there is no such path any more" : "ECONNREFUSED: nothing is listening";
    return [
      row("D", queued, [bar(-1, 0, "waits")], [mark(0, "lost")], [[0, "ECONNRESET, whatever it had sent"]]),
      row("E", comes, [], [mark(COMES, "lost")], [[COMES, refused]]),
    ];
  }

  function summary(chosen) {
    const end = ending(chosen);
    const whole = chosen.rest === "before";
    const answered = [end.code === 0 && "B", whole && "C"].filter(Boolean).join(" and ");
    const lost = end.code === 0 ? "" : " B’s answer is lost.";
    const outside = chosen.listener === "inherited"
      ? "D and E are answered by the next run."
      : "D is reset, E refused.";
    return `Exit code ${end.code} after ${end.at} s. Answered: ${answered || "nobody"}.${lost} ${outside}`;
  }

  // ---- the view ----

  function picture(chosen) {
    const second = Number(chosen.second);
    const lines = [
      { at: 0, label: second < SENT_TWICE ? "signals" : "signal", kind: "on" },
      { at: DEADLINE, label: "deadline", kind: "waits" },
    ];
    if (second >= 0) {
      lines.push({ at: second, label: second < SENT_TWICE ? "" : "signal", kind: "on" });
    }
    return { summary: summary(chosen), lines, rows: rows(chosen) };
  }

  const [FIRST, LAST] = [-1, 6.5]; // the times at the edges
  const place = (time) => (Math.min(Math.max(time, FIRST), LAST) - FIRST) / (LAST - FIRST);
  const written = (time) => `${time} s`;
  const legend = [
    [SIGNS.answer, "answered"], [SIGNS.told, "told why"], [SIGNS.end, "end of stream"], [SIGNS.lost, "lost"],
    ["waits", "waits in the backlog"],
  ];
  const note =
    "Each client closes when it sees the end of the stream. For one that doesn’t, the server waits 1 s more.";
  const description = { choices: CHOICES, picture, place, written, legend, note };
  document.querySelectorAll('[data-widget="the-drain"]').forEach((widget) => window.pocketTimeline(widget, description));
})();
