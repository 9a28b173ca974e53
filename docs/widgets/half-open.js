// The half-open connection: something happens to the peer at 0 s; what each end believes from then on, and
// what tells this end. The rules are Linux's, and each time was seen there, between two network namespaces,
// except for the 2 hours.
(function () {
  "use strict";

  // ---- the model; times are seconds after the event ----

  const SENDS = 5; // this end, if it has anything to say
  const BACK = 20; // the cable is plugged in, the machine is up
  const QUIET = 30; // before this end's own ping, and the time that the pong has
  const USER_TIMEOUT = 75;
  const RETRIES = 925; // net.ipv4.tcp_retries2 = 15, from the send
  const ARRIVES = 31; // the retransmission of what was sent at 5 s that is the first to find the peer back
  const NEVER = Infinity;
  const PROBES = { system: { idle: 7200, interval: 75, count: 9 }, soon: { idle: 30, interval: 15, count: 3 } };

  // The first of each is the one to begin with.
  const CHOICES = {
    event: ["What happens", [
      ["pulled", "the cable is pulled"],
      ["plugged", "the cable is out for 20 s"],
      ["stopped", "the peer is stopped: SIGSTOP"],
      ["killed", "the peer is killed: SIGKILL"],
      ["restarted", "its machine restarts: off for 20 s"],
    ]],
    sends: ["This end", [["no", "says nothing"], ["yes", "sends a message after 5 s"]]],
    keepalive: ["Keepalive", [["off", "off"], ["system", "the system’s times"], ["soon", "30 s, every 15 s, 3 times"]]],
    user: ["TCP_USER_TIMEOUT", [["no", "not set"], ["yes", "75 s"]]],
    pings: ["Pings of its own", [["no", "none"], ["yes", "after 30 s, answer within 30 s"]]],
  };

  // What may tell this end, as [when, what it sees]; the first one does.
  const DETECTORS = {
    pulled: (chosen) => [byBytes(chosen), bySilentProbes(chosen), byMissingPong(chosen)],
    plugged: () => [],
    stopped: (chosen) => [byMissingPong(chosen)],
    killed: () => [[0, "end of stream: the peer’s kernel closes what its process had open"]],
    restarted: (chosen) => [byReset(chosen)],
  };

  const first = (found) => found.filter(Boolean).reduce((one, other) => (other[0] < one[0] ? other : one), [NEVER, ""]);

  // Bytes that nobody acknowledges: keepalive stands still while there are any.
  function byBytes(chosen) {
    if (chosen.sends === "no") {
      return null;
    }
    return chosen.user === "yes"
      ? [SENDS + USER_TIMEOUT, "ETIMEDOUT: its bytes were not acknowledged for 75 s"]
      : [SENDS + RETRIES, "ETIMEDOUT: its kernel has sent them 16 times"];
  }

  function bySilentProbes(chosen) {
    const probes = PROBES[chosen.keepalive];
    if (!probes || chosen.sends === "yes") {
      return null;
    }
    // With a user timeout the number of probes no longer counts: tcp(7).
    const patience = chosen.user === "yes" ? Math.max(USER_TIMEOUT - probes.idle, probes.interval) : probes.interval * probes.count;
    return [probes.idle + patience, "ETIMEDOUT: no probe was answered"];
  }

  const byMissingPong = (chosen) => (chosen.pings === "yes" ? [2 * QUIET, "no pong within 30 s: gone, by its own rules"] : null);

  // Whatever reaches a machine that doesn’t know the connection is answered by a reset.
  function byReset(chosen) {
    const probes = PROBES[chosen.keepalive];
    if (chosen.sends === "yes") {
      return [ARRIVES, "ECONNRESET: sent once more, its message finds a machine that knows of no connection"];
    }
    if (chosen.pings === "yes") {
      return [QUIET, "ECONNRESET: its ping finds a machine that knows of no connection"];
    }
    return probes ? [probes.idle, "ECONNRESET: the first probe finds a machine that knows of no connection"] : null;
  }

  // ---- what each side goes through ----

  const row = (who, bars, marks, told) => ({ name: "", who, bars, marks, told: told.filter(([time]) => time < NEVER) });
  const bar = (from, to, kind = "on") => ({ from, to, kind });
  const mark = (at, sign) => ({ at, sign });

  function rows(chosen) {
    const [known, seen] = first(DETECTORS[chosen.event](chosen));
    return [thisEnd(chosen, known, seen), ...PEER[chosen.event](chosen, known)];
  }

  function thisEnd(chosen, known, seen) {
    const { event } = chosen;
    const works = event === "plugged" ? [bar(0, BACK, "waits"), bar(BACK, NEVER)] : [bar(0, known, "waits")];
    const marks = known < NEVER ? [mark(known, "!")] : [];
    const told = [[0, "notices nothing: ss says ESTAB"], message(chosen), probe(chosen), ping(chosen)];
    const before = told.filter((one) => one && one[0] < known);
    return row("this end", [bar(-1, 0), ...works], marks, [...before, [known, seen]]);
  }

  function message({ event, sends }) {
    const fate = event === "stopped" ? "the peer’s kernel acknowledges it" : "its kernel sends it again and again";
    return sends === "yes" && [SENDS, `write succeeds: ${fate}`];
  }

  // The first one. Pings leave no silence for it.
  function probe({ event, sends, keepalive, pings }) {
    const probes = PROBES[keepalive];
    if (!probes || pings === "yes") {
      return null;
    }
    if (sends === "yes" && event !== "stopped") {
      return [probes.idle, "no probe: keepalive stands still while bytes are unacknowledged"];
    }
    const answered = event === "pulled" ? "no answer" : "the peer’s kernel answers";
    return [probes.idle + (sends === "yes" ? SENDS : 0), `keepalive’s first probe: ${answered}`];
  }

  function ping({ event, sends, pings }) {
    const fate = {
      pulled: "no pong comes",
      plugged: sends === "yes" ? "the pong comes a little late" : "the pong comes",
      stopped: "the peer’s kernel acknowledges it, and no pong comes",
      restarted: "it waits behind the message",
    };
    return pings === "yes" && [QUIET, `its own ping: ${fate[event]}`];
  }

  // The peer’s kernel and its process.
  const PEER = {
    pulled: (chosen, known) => [
      row("the peer’s kernel", [bar(-1, 0), bar(0, NEVER, "waits")], [],
        [[0, "ESTAB, forever: nothing comes, and it has nothing to send"],
          [known, "ESTAB still: this end has given up and cannot say so. This is half-open"]]),
      row("the peer’s process", [bar(-1, 0), bar(0, NEVER, "waits")], [], [[0, "waits in read, forever, unless it watches for itself"]]),
    ],
    plugged: (chosen) => {
      const arrives = chosen.sends === "yes" ? [[ARRIVES, "the message arrives, late"]] : [];
      const bars = [bar(-1, 0), bar(0, BACK, "waits"), bar(BACK, NEVER)];
      return [
        row("the peer’s kernel", bars, [], [[0, "ESTAB, as before"], ...arrives]),
        row("the peer’s process", bars, [], [[0, "waits in read, and notices nothing"]]),
      ];
    },
    stopped: (chosen, known) => [
      row("the peer’s kernel", [bar(-1, NEVER)], [],
        [[0, "ESTAB: it acknowledges bytes and answers probes, for a process that hangs as for one that works"],
          [known, "this end closes: CLOSE-WAIT"]]),
      row("the peer’s process", [bar(-1, 0), bar(0, NEVER, "waits")], [], [[0, "is stopped; when it goes on, it reads all that came"]]),
    ],
    killed: () => [
      row("the peer’s kernel", [bar(-1, 0)], [mark(0, "|")], [[0, "closes for it: a FIN, or a reset if bytes lay there unread"]]),
      row("the peer’s process", [bar(-1, 0)], [mark(0, "|")], [[0, "is gone"]]),
    ],
    restarted: (chosen, known) => [
      row("the peer’s kernel", [bar(-1, 0), bar(BACK, NEVER)], [mark(0, "|")],
        [[0, "is gone, without a word"], [BACK, "is back, and knows of no connection"], [known, "answers what came by a reset"]]),
      row("the peer’s process", [bar(-1, 0), bar(BACK, NEVER)], [mark(0, "|")],
        [[0, "is gone"], [BACK, "listens again, and waits for this end to connect"]]),
    ],
  };

  function summary(chosen) {
    const [known, seen] = first(DETECTORS[chosen.event](chosen));
    if (chosen.event === "plugged") {
      return "This end never knows, and need not: nothing is lost.";
    }
    const when = known === 0 ? "at once" : `after ${written(known)}`;
    return known < NEVER ? `This end knows ${when}: ${seen.split(":")[0]}.` : "This end never knows.";
  }

  // ---- the view ----

  // Long times are drawn short.
  const PLACES = [[-1, 0], [0, 0.1], [30, 0.35], [75, 0.55], [930, 0.75], [7200, 0.9], [NEVER, 1]];

  function place(time) {
    const next = Math.max(1, PLACES.findIndex(([at]) => time <= at));
    const [[from, left], [to, right]] = [PLACES[next - 1], PLACES[next]];
    if (to === NEVER) {
      return time === NEVER ? 1 : left + (right - left) / 2;
    }
    return left + ((Math.max(time, from) - from) / (to - from)) * (right - left);
  }

  function written(time) {
    const minutes = Math.floor(time / 60);
    if (time < 120) {
      return `${time} s`;
    }
    return minutes < 60 ? `${minutes} min` : [`${Math.floor(minutes / 60)} h`, minutes % 60 && `${minutes % 60} min`].filter(Boolean).join(" ");
  }

  function picture(chosen) {
    const labels = [[30, "30 s"], [75, "75 s"], [930, "15 min"], [7200, "2 h"]];
    const lines = labels.map(([at, label]) => ({ at, label, kind: "waits" }));
    return { summary: summary(chosen), lines: [{ at: 0, label: "0 s", kind: "on" }, ...lines], rows: rows(chosen) };
  }

  const legend = [["on", "works"], ["waits", "hangs, or hopes in vain"], ["!", "knows"], ["|", "is gone"]];
  const note =
    "This is Linux, whose timers may be an eighth late; time is not to scale. On your own network a message ends with EHOSTUNREACH, not ETIMEDOUT.";
  const description = { choices: CHOICES, picture, place, written, legend, note };
  document.querySelectorAll('[data-widget="half-open"]').forEach((widget) => window.pocketTimeline(widget, description));
})();
