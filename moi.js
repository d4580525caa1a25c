/*
 * moi.js: a live list of jobs. One line of HTML is enough:
 *
 *     <div id="moi-joblist"></div>
 *     <script src="/static/moi.js"></script>
 *
 * Attributes of the <div>: data-url, data-rows, data-template, data-title, data-notify; see DEFAULTS below.
 * From a script: moi.connect({element, url, ...}) for more lists, list.on(event, fn) or moi.on(event, fn) to hear what
 * happens: "add", "update", "remove" (a job), "error" (a text), "state" (connecting, online, reconnecting, offline,
 * signed-out). moi.defaults holds the options of all lists to come, with their words.
 *
 * A <template id="moi-job"> on the page replaces the row; its parts are found by their classes, moi-name and so on.
 * Colours and spacing are the custom properties --moi-... in the style sheet below; light or dark follows the page's
 * own CSS color-scheme. Any class rule of the page wins over this style sheet.
 *
 * Everything that comes from the server is shown as text, never as HTML.
 */
(function () {
  "use strict";
  if (window.moi?.connect) return;  // this file is on the page already

  const DEFAULTS = {
    url: "/moi-ws",          // of the websocket: a path, or ws(s)://...
    element: null,           // where the list goes; found by its ID when there is none
    retry: [2000, 30000],    // milliseconds before the first attempt to reconnect at the latest, and before any
    template: "moi-job",     // the ID of a <template> for the row
    rows: 200,               // rows shown at first, and more whenever the end of the list comes into view
    title: true,             // show in the page's title how many jobs run
    notify: false,           // offer desktop notifications of long jobs that end while the page is hidden
    words: {
      connecting: "Connecting \u2026",
      reconnecting: "Connection lost. Reconnecting\u00a0\u2026",
      offline: "You are offline. The list goes on when you are back.",
      "signed-out": "You are signed out. Sign in again to see your jobs.",
      empty: "No jobs yet.", unmatched: "No job matches.",
      list: "Jobs", all: "All", filter: "Show by state", search: "Search jobs", clear: "Remove ended",
      notify: "Notify me", granted: "Notifications are on.", denied: "The browser allows no notifications.",
      cancel: "Cancel", cancelling: "Cancelling \u2026", remove: "Remove", removing: "Removing \u2026",
      result: "Result", traceback: "Why it failed", output: "Output", value: "Value", truncated: " \u2026 (cut here)",
      copy: "Copy", copied: "Copied", uncopied: "Could not copy", again: "Connected again.",
      queued: "Queued", running: "Running", success: "Success", failed: "Failed",
      shown: (n) => (n === 1 ? "1 job" : n.toLocaleString() + " jobs"),
      number: (n) => n.toLocaleString(), percent: (n) => n + "%", time: clock, left: timeLeft,
      news(n, state, name) {
        const verb = { queued: "queued", running: "started", success: "succeeded", failed: "failed" }[state];
        return n === 1 ? `${name}: ${this[state]}` : `${n} jobs ${verb}`;
      },
    },
  };

  // Every rule is as weak as one for an element, so that it wins over the page's rules for bare elements only.
  const STYLE = `
html {
  :where(.moi) { position: relative; --moi-gap: .75rem; --moi-radius: .5rem; --moi-border: light-dark(#d0d7de, #3d444d);
    --moi-back: light-dark(#fff, #0d1117); --moi-text: light-dark(#1f2328, #f0f6fc);
    --moi-dim: light-dark(#59636e, #9198a1); --moi-accent: light-dark(#0969da, #4493f8);
    --moi-queued: var(--moi-dim); --moi-running: var(--moi-accent);
    --moi-success: light-dark(#1a7f37, #3fb950); --moi-failed: light-dark(#cf222e, #f85149); }
  :where(.moi [hidden], .moi-state:empty, .moi-meta > span:empty) { display: none !important; }
  :where(.moi :focus-visible) { outline: 2px solid var(--moi-accent); outline-offset: 1px; }
  :where(.moi :focus) { scroll-margin-block: 4px min(8rem, 30vh); }  /* clear of .moi-live, of four lines at 320 pixels */
  :where(.moi button, .moi-result, .moi-search) { box-sizing: border-box; min-height: 1.8rem; margin: 0;
    padding: .15rem .6rem; border: 1px solid var(--moi-border); border-radius: calc(var(--moi-radius) * .75);
    background: var(--moi-back); color: var(--moi-text); font: inherit; font-size: .875em; line-height: 1.5; }
  :where(.moi button, .moi-result) { display: inline-flex; align-items: center; gap: .3em; text-decoration: none;
    white-space: nowrap; cursor: pointer; }
  :where(.moi button:hover, .moi-result:hover, .moi-filter[aria-pressed=true]) { border-color: var(--moi-accent); }
  :where(.moi button[aria-disabled=true]) { color: var(--moi-dim); border-color: var(--moi-border); cursor: default; }
  :where(.moi-result) { color: var(--moi-accent); }

  :where(.moi-bar, .moi-filters, .moi-actions) { display: flex; flex-wrap: wrap; gap: .4rem; align-items: center; }
  :where(.moi-bar) { margin-block-end: var(--moi-gap); }
  :where(.moi-filter) { border-radius: 1rem; }
  :where(.moi-filter[aria-pressed=true]) { background: color-mix(in srgb, var(--moi-accent) 12%, var(--moi-back)); }
  :where(.moi-count) { font-weight: 600; }
  :where(.moi-search) { flex: 1 1 8rem; min-width: 0; max-width: 16rem; }
  :where(.moi-search)::placeholder { color: var(--moi-dim); }
  :where(.moi-clear, .moi-actions, .moi-meta) { margin-inline-start: auto; }

  :where(.moi-list) { list-style: none; margin: 0; padding: 0; border: 1px solid var(--moi-border);
    border-radius: var(--moi-radius); background: var(--moi-back); color: var(--moi-text); }
  :where(.moi-list:empty) { border: 0; }
  :where(.moi-away .moi-list) { opacity: .7; --moi-dim: var(--moi-text); --moi-accent: var(--moi-text);
    --moi-running: var(--moi-text); }
  :where(.moi-job) { padding: .6rem var(--moi-gap); content-visibility: auto;
    contain-intrinsic-block-size: auto 4.5rem; }
  :where(.moi-job + .moi-job) { border-block-start: 1px solid var(--moi-border); }
  :where(.moi-row) { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: .1rem .6rem; }
  :where(.moi-row > :not(.moi-icon)) { grid-column: 2; }
  :where([data-state=queued]) { --moi-state: var(--moi-queued); }
  :where([data-state=running]) { --moi-state: var(--moi-running); }
  :where([data-state=success]) { --moi-state: var(--moi-success); }
  :where([data-state=failed]) { --moi-state: var(--moi-failed); }
  :where(.moi-away [data-state]) { --moi-state: var(--moi-text); }
  :where(.moi-icon, .moi-word) { color: var(--moi-state); }
  :where(.moi-icon) { display: flex; align-items: center; height: 1.8rem; }
  :where(.moi-icon svg) { width: 1.1em; fill: none; stroke: currentColor; stroke-width: 1.6; stroke-linecap: round;
    stroke-linejoin: round; }
  :where(.moi-head, .moi-line, .moi-meta, .moi-folds) { display: flex; flex-wrap: wrap; min-width: 0; }
  :where(.moi-head) { gap: .3rem var(--moi-gap); align-items: center; }
  :where(.moi-line, .moi-meta) { gap: .1rem .6rem; align-items: baseline; }
  :where(.moi-meta) { justify-content: end; text-align: end; font-variant-numeric: tabular-nums; }
  :where(.moi-line) { font-size: .925em; }
  :where(.moi-name, .moi-status, .moi-time, .moi-left) { unicode-bidi: plaintext; overflow-wrap: anywhere;
    text-align: -webkit-match-parent; text-align: match-parent; }
  :where(.moi-row .moi-name, .moi-row .moi-status) { display: -webkit-box; -webkit-box-orient: vertical;
    -webkit-line-clamp: 2; overflow: hidden; }
  :where(.moi-name) { flex: 1 1 9rem; font-weight: 600; line-height: 1.4; }
  :where(.moi-status) { flex: 1 1 7rem; }
  :where(.moi-status, .moi-meta, .moi-details summary) { color: var(--moi-dim); }
  :where(.moi-progress) { flex: 0 1 8rem; min-width: 4rem; height: .7rem; align-self: center;
    accent-color: var(--moi-running); }
  /* These are as wide as they get, so that the bar stands still. */
  :where(.moi-time) { min-width: 3.2em; }
  :where(.moi-left) { min-width: 9.2em; }
  :where(.moi-percent) { min-width: 2.7em; }
  :where(.moi-folds) { gap: 0 1rem; }
  :where(.moi-details) { position: relative; min-width: 0; }
  :where(.moi-details[open]) { flex: 1 0 100%; }
  :where(.moi-details summary) { width: fit-content; line-height: 1.8rem; font-size: .875em; cursor: pointer; }
  :where(.moi-details[open] > summary) { max-width: calc(100% - 6rem); }
  :where(.moi-copy) { position: absolute; inset-block-start: 0; inset-inline-end: 0; }
  :where(.moi-part:not(:only-child)) { display: block; unicode-bidi: plaintext; }
  :where(:not(.moi-output-text) > .moi-part:not(:only-child)) { content-visibility: auto;
    contain-intrinsic-block-size: auto 10rem; }
  :where(.moi-details pre) { margin: .3rem 0; padding: .5rem .6rem; max-height: 20rem; overflow: auto; font-size: .8rem;
    border-radius: calc(var(--moi-radius) * .75); white-space: pre-wrap; overflow-wrap: anywhere;
    unicode-bidi: plaintext; text-align: start;
    background: color-mix(in srgb, var(--moi-dim) 8%, var(--moi-back)); }

  :where(.moi-state) { margin: 0; padding: 1.6rem var(--moi-gap); text-align: center; color: var(--moi-dim);
    border: 1px dashed var(--moi-border); border-radius: var(--moi-radius); background: var(--moi-back);
    overflow-wrap: anywhere; }
  :where(.moi-live) { position: sticky; inset-block-end: .5rem; pointer-events: none; }
  :where(.moi-list:not(:empty) ~ .moi-live .moi-state) { width: fit-content; margin: .5rem auto 0;
    padding: .25rem var(--moi-gap); border-style: solid; color: var(--moi-text); }
  :where(.moi-voice) { position: absolute; width: 1px; height: 1px; margin: 0; overflow: hidden;
    clip-path: inset(50%); }

  @media (prefers-reduced-motion: no-preference) {
    :where(.moi:not(.moi-away) [data-state=running] .moi-icon svg) { animation: moi-turn 1.2s steps(12) infinite; }
  }
  @media (max-width: 30rem) {
    :where(.moi-status) { order: 1; flex-basis: 100%; }
    :where(.moi-meta, .moi-progress) { flex: 1 1 4rem; }
    :where(.moi-left) { min-width: 0; }
    :where(.moi-row .moi-name, .moi-row .moi-status) { -webkit-line-clamp: 4; }
  }
  :where(.moi-row:has(:focus-visible) :is(.moi-name, .moi-status)) { -webkit-line-clamp: none; }
  @media (forced-colors: active) {
    :where(.moi-filter[aria-pressed=true]) { forced-color-adjust: none; background: Highlight; color: HighlightText; }
  }
}
@keyframes moi-turn { to { rotate: 1turn; } }
`;

  const STATES = ["queued", "running", "success", "failed"];
  const WISHED = { cancel: "cancelling", remove: "removing" };
  const CIRCLE = "M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13";
  const ICONS = {  // paths in a square of 16
    queued: CIRCLE + "M8 4.5V8l2.4 1.6", running: "M8 1.5a6.5 6.5 0 1 1-6.5 6.5",
    success: CIRCLE + "M5 8.2l2.1 2.1L11 6", failed: CIRCLE + "M5.6 5.6l4.8 4.8M10.4 5.6l-4.8 4.8",
  };
  const DATES = ["date_created", "date_start", "date_end"];
  const DAY = 86_400_000;
  const SILENCE = 30_000;  // milliseconds after which the server is asked whether the connection is there,
  const ANSWER = 20_000;   // and in which it is to answer
  const BATCH = 5000;      // IDs in a message: half of what the server takes
  const MOST = 50_000;     // IDs in as many messages as they need: half of what the server takes
  const ROWS_A_FRAME = 20; // that are made anew, so that no frame is long; half of them while many jobs change

  const ended = (job) => job.status === "Success" || job.status === "Failed";
  const stateOf = (job) => (ended(job) || job.status === "Queued" ? job.status.toLowerCase() : "running");
  const progressOf = (job) => (stateOf(job) === "running" && Number.isFinite(job.progress)
    ? Math.min(1, Math.max(0, job.progress)) : null);
  const brief = (text, length) => (text.length > length ? text.slice(0, length) + "\u2026" : text);
  const deeper = (value, most) => value !== null && typeof value === "object"
    && (!most || Object.values(value).some((inner) => deeper(inner, most - 1)));

  /** A result as people read it. What nests deeply would be mostly spaces if it was indented, or not fit the stack. */
  function asText(value) {
    try {
      return typeof value === "string" ? value : JSON.stringify(value, null, deeper(value, 20) ? 0 : 2);
    } catch {
      return "[\u2026]";
    }
  }

  /** The line of a traceback that names the error; of what is none, the last. */
  function errorIn(text) {
    const lines = text.trimEnd().split("\n"), frame = lines.findLastIndex((line) => line.startsWith("  File "));
    const group = lines.findLast((line) => /^  \| \w*Group: /.test(line));
    return group?.slice(4) || frame >= 0 && lines.slice(frame).find((line) => line && line[0] !== " ") || lines.at(-1);
  }

  /** Whether a job's result is short, and what its row says: that, or the error, or the job's own status. */
  function saidBy(job) {
    const value = ended(job) ? job.result ?? "" : "", nested = typeof value === "object";
    const long = nested && (Array.isArray(value) ? value.length : Object.keys(value).length) > 0;
    const result = long ? "" : asText(value);  // what is nested has lines of its own, and to write them takes long
    const short = !long && result.length < 60 && !result.includes("\n");
    const last = job.status === "Failed" && !job.truncated ? errorIn(long ? asText(value) : result) : "";
    const own = job.status === "Queued" || job.status === "Running" ? "" : String(job.status);
    return { short, status: brief(ended(job) ? (short ? result : last) : own, 500) };
  }

  /** What was printed, without a terminal's colours and what it would have written over.
   *  The second pattern begins where a line does, or a long one would be tried from each of its characters. */
  const printed = (text) => text.replace(/\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[ -/]*[0-~])/g, "")
    .replace(/(?<![^\n])[^\n]*\r(?=[^\r\n])/g, "");

  /** Make an element: make("li", "moi-job", ...children). */
  function make(tag, name, ...children) {
    const element = document.createElement(tag);
    if (name) element.className = name;
    if (tag === "button") element.type = "button";
    element.append(...children);
    return element;
  }

  /** Set properties only where they are others: what stays costs no layout, and a selection stays too. */
  function set(element, properties) {
    for (const [key, value] of Object.entries(properties)) if (element[key] !== value) element[key] = value;
    return element;
  }

  /** Set properties of a row's part, or of all parts of that name. */
  function setPart(row, name, properties) {
    for (const element of row.getElementsByClassName("moi-" + name)) set(element, properties);
  }

  /** Set a long text, in blocks that end with a line, if one does in time: it takes a browser seconds to find where
   *  words of thousands of letters break, or to lay out as many changes of direction. Of what goes on, as an output of
   *  which no more than the end is kept, the blocks stay, and with them the place and the selection of who reads it. */
  function setText(element, text) {
    if (element.textContent === text) return;
    if (!element.inBlocks) element.replaceChildren();  // what a template has there
    element.inBlocks = true;
    const old = element.textContent, cut = Math.max(0, old.indexOf(text.slice(0, 500)));  // so much is gone in front
    let same = 0, end = -cut, kept = 0;
    while (same < text.length && text[same] === old[cut + same]) same++;
    for (const block of [...element.children]) {
      const start = end;
      end += block.textContent.length;
      if (end <= 0 || end > same) {
        block.remove();
      } else {
        if (start < 0) block.firstChild.deleteData(0, -start);
        kept = end;
      }
    }
    let last = element.lastChild?.firstChild;
    const rest = (last?.data || "") + text.slice(kept);
    for (const part of rest.match(/[^]{0,999}\n|[^]{1,1000}/gu) || []) {
      if (last) last.appendData(part.slice(last.length));
      else element.append(make("span", "moi-part", part));
      last = null;
    }
    if (element.atEnd) element.scrollTop = element.scrollHeight;
  }

  function icon(state) {
    const [svg, path] = ["svg", "path"].map((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag));
    svg.setAttribute("viewBox", "0 0 16 16");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", ICONS[state]);
    svg.append(path);
    return svg;
  }

  /** The row as it comes, where the page has no template of its own. */
  function plainRow(words) {
    const span = (name, ...children) => make("span", name, ...children);
    const fold = (name) => make("details", "moi-details moi-" + name, make("summary", "", words[name]),
      make("button", "moi-copy", words.copy),
      // The keyboard is to scroll it.
      set(make("pre", `moi-${name}-text`), { tabIndex: 0, role: "group", ariaLabel: words[name] }));
    return make("li", "moi-row", span("moi-icon"),
      make("div", "moi-head", span("moi-name"), span("moi-actions", make("a", "moi-result", words.result),
        make("button", "moi-cancel", words.cancel), make("button", "moi-remove", words.remove))),
      make("div", "moi-line", span("moi-word"), span("moi-status"),
        span("moi-meta", make("progress", "moi-progress"), span("moi-percent"), span("moi-left"), span("moi-time"))),
      make("div", "moi-folds", fold("value"), fold("traceback"), fold("output")));
  }

  /** Seconds as people read them: 4.2 s, 1:05, 2:03:04, 3 d 4 h. */
  function clock(seconds) {
    if (seconds < 60) return (seconds < 10 ? seconds.toFixed(1) : Math.floor(seconds)) + " s";
    if (seconds >= 172_800) return `${Math.floor(seconds / 86_400)} d ${Math.floor(seconds / 3600) % 24} h`;
    const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
    if (!parts[0]) parts.shift();
    return parts.map((part, i) => (i ? String(part).padStart(2, "0") : part)).join(":");
  }

  /** An estimate, no more exact than it is: about 20 s left, about 2 min left. */
  function timeLeft(seconds) {
    if (seconds < 10) return "a few seconds left";
    if (seconds <= 50) return `about ${Math.ceil(seconds / 10) * 10} s left`;
    if (seconds < 5400) return `about ${Math.round(seconds / 60)} min left`;
    if (seconds < 129_600) return `about ${Math.round(seconds / 3600)} h left`;
    return `about ${Math.round(seconds / 86_400)} days left`;
  }

  /** The link to a job's result, or null: only http(s) and relative handlers are linked. */
  function resultLink(job) {
    if (typeof job.handler !== "string" || !job.handler) return null;
    const url = URL.parse(job.handler.replace(/(?<!\/)\/+$/, "") + "/" + encodeURIComponent(job.id), document.baseURI);
    return url && /^https?:$/.test(url.protocol) ? url.href : null;
  }

  const all = new EventTarget();  // hears the events of all lists

  class JobList extends EventTarget {
    constructor(options) {
      super();
      this.options = { ...DEFAULTS, ...options, words: { ...DEFAULTS.words, ...options.words } };
      this.items = new Map();     // ID -> item: a job, and what the list knows of it; see put
      this.counts = Object.fromEntries(STATES.map((state) => [state, 0]));
      this.order = [];            // all items as of the last frame, newest first
      this.view = [];             // those of them that fit filter and search
      this.shown = [];            // the first of those, which have a row
      this.most = this.options.rows;
      this.filter = "";           // a state, or all
      this.query = "";            // what is searched for, in lower case
      this.changed = new Set();   // items to draw in the next frame
      this.arrived = new Set();   // and to put in order
      this.news = new Set();      // items whose state is to be told
      this.attempts = 0;
      this.skew = 0;              // milliseconds that the server's clock is ahead of ours
      this.state = this.trouble = "";   // of the connection; what the server could not do, for a while
      this.ending = new AbortController();
      this.build();
      this.connect();
    }

    // ---- for the page -------------------------------------------------------------------------

    /** Hear of an event: "add", "update", "remove", "error", "state". Returns a function that ends that. */
    on(event, listener) {
      const hear = ({ detail: [what, list] }) => listener(what, list);
      this.addEventListener(event, hear);
      return () => this.removeEventListener(event, hear);
    }

    /** Ask the server for jobs (all of them without IDs), to cancel them, or to remove them from the list. */
    get(ids = []) { this.ask("get", ids); }
    cancel(ids) { this.wish("cancel", ids.map((id) => this.items.get(id) || { job: { id } })); }
    remove(ids) { this.wish("remove", ids.map((id) => this.items.get(id) || { job: { id } })); }

    /** End this list: close the connection and empty the element. */
    close() {
      if (this.closed) return;  // its element may be another list's by now
      this.closed = true;
      for (const timer of [this.timer, this.telling, this.ticker, this.forgetting, this.counting]) clearTimeout(timer);
      cancelAnimationFrame(this.frame);
      this.socket?.close();
      this.ending.abort();
      this.observer.disconnect();
      this.element.replaceChildren();
      this.element.classList.remove("moi", "moi-away");
      moi.lists = moi.lists.filter((list) => list !== this);
      showRunning();
    }

    // ---- connection -----------------------------------------------------------------------------

    connect() {
      if (this.closed) return;
      if (this.state !== "signed-out") this.say(this.away());
      const socket = this.socket = new WebSocket(this.options.url);
      const late = setTimeout(() => socket.close(), ANSWER);  // an attempt that nobody answers would take minutes
      socket.onopen = () => {
        clearTimeout(late);
        if (this.opened) this.voice.replaceChildren(this.options.words.again);
        this.opened = this.heard = performance.now();
        this.say("online");
        // What has gone meanwhile is answered with "remove", the rest with "add".
        if (this.items.size > MOST) for (const { job } of this.items.values()) this.take(job);
        else if (this.items.size) this.get([...this.items.keys()]);
        this.get();
      };
      socket.onmessage = (event) => this.receive(event.data);
      socket.onclose = async () => {
        const refused = this.state !== "online" && await this.refused();
        if (socket !== this.socket || this.closed) return;
        this.say(refused ? "signed-out" : this.away());
        const [first, most] = this.options.retry;
        // All of that time is open to chance, so that the tabs of a restarted server do not come back at once.
        const wait = Math.min(most, first * 2 ** this.attempts++) * (0.1 + 0.9 * Math.random());
        this.timer = setTimeout(() => this.connect(), refused ? most + wait : wait);
      };
    }

    /** Give up a connection that was cut without a word, as by a computer's sleep: it looks open for minutes. */
    probe() {
      const now = performance.now(), { socket } = this;
      if (this.state !== "online" || now < this.heard + SILENCE) return;
      if (!(this.probed > this.heard)) {
        this.probed = now;
        socket.send("{}");
      } else if (now > this.probed + ANSWER) {
        const { onclose } = socket;
        socket.onclose = socket.onmessage = null;
        socket.close();
        onclose();
      }
    }

    away() { return navigator.onLine === false ? "offline" : this.opened ? "reconnecting" : "connecting"; }

    /** Ask whether nobody is signed in: a browser does not tell why a websocket was refused, but over HTTP it does. */
    async refused() {
      const url = new URL(this.options.url, document.baseURI);
      url.protocol = url.protocol.replace("ws", "http");
      if (url.origin !== location.origin || navigator.onLine === false) return false;
      const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(5000) }).catch(() => ({}));
      if (answer.status === 404 || answer.status >= 500 || answer.status === 400 && !this.opened) {
        console.warn(`moi: ${url} answers ${answer.status}: is MOIMessageHandler routed there, is its user a text, and `
          + "does a proxy, if there is one, pass on Host and Upgrade?");
      }
      return answer.status === 403 || answer.status === 401;
    }

    /** Send IDs, in as many messages as they need. */
    ask(action, ids) {
      if (this.socket.readyState !== WebSocket.OPEN) return false;
      for (let i = 0; i === 0 || i < ids.length; i += BATCH) {
        this.socket.send(JSON.stringify({ [action]: ids.slice(i, i + BATCH) }));
      }
      return true;
    }

    receive(data) {
      this.heard = performance.now();
      if (data === "{}") return;  // the answer to a probe
      const { error, ...lists } = JSON.parse(data);
      for (const action of ["add", "update", "remove"]) {
        for (const job of lists[action] || []) this[action === "remove" ? "take" : "put"](job, action);
      }
      // What was clicked without a connection, or perhaps lost with the last one, is asked for over this one.
      const late = (lists.add || []).map((job) => this.items.get(job?.id))
        .filter((item) => item?.asked && item.via !== this.socket);
      for (const action of ["cancel", "remove"]) this.wish(action, late.filter((item) => item.asked === action));
      for (const item of late) item.due = true;  // in the second list that onopen asks for
      if (error) {
        console.warn("moi:", error);
        for (const item of this.items.values()) {
          if (item.asked && item.via === this.socket) this.changed.add(set(item, { asked: "" }));
        }
        this.trouble = brief(String(error), 100);
        this.line.textContent = "";  // or the same error would not be heard twice
        clearTimeout(this.forgetting);
        this.forgetting = setTimeout(() => { this.trouble = ""; this.schedule(); }, 10_000);
        this.emit("error", error);
      }
      this.answered = true;
      this.attempts = 0;
      showRunning();  // not with the next frame: a hidden page has none
      this.schedule();
    }

    put(job, action) {
      if (!job || typeof job.id !== "string") return;
      for (const key of ["name", "status", "output", ...DATES]) {
        if (job[key] != null && typeof job[key] !== "string") job[key] = asText(job[key]);  // another program's
        if (job[key] && DATES.includes(key)) job[key] = job[key].slice(0, 50);  // dates are read again and again
      }
      job.name ??= "";
      job.status ??= "";
      const item = this.items.get(job.id) || {
        job: null, date: job.date_created || "", text: "", pace: null, asked: "", via: null, due: false, unseen: false,
        row: null,
      };
      const before = item.job;
      if (before && ended(before) && !ended(job)) return;
      const state = stateOf(job), turned = before && stateOf(before) !== state;
      if (before) {
        this.counts[stateOf(before)]--;
      } else {
        this.items.set(job.id, item);
        this.arrived.add(item);
      }
      this.counts[state]++;
      item.job = job;
      item.text = "";
      // What has ended is not cancelled; what is added over the connection that was told to remove it was added anew.
      const again = action === "add" && item.via === this.socket;
      if (ended(job) && (item.asked === "cancel" || again && !item.due)) item.asked = "";
      if (again) item.due = false;
      this.changed.add(item);
      this.setClock(job, turned && action === "update");
      this.setPace(item);
      this.emit(action, job);
      const fresh = !before && performance.now() > this.opened + 1000;  // not of the first list
      if (turned || fresh && (state === "queued" || this.now() - Date.parse(job.date_created) < 10_000)) this.tell(item);
    }

    take(job) {
      const item = job && this.items.get(job.id);
      if (!item) return;
      this.items.delete(job.id);
      // A hidden page has no frame that would empty them.
      for (const waiting of [this.news, this.changed, this.arrived]) waiting.delete(item);
      this.counts[stateOf(item.job)]--;
      this.emit("remove", item.job);
    }

    /** Ask for jobs to be cancelled or removed, and show that; what has no connection is asked for over the next. */
    wish(action, items) {
      const via = items.length && this.ask(action, items.map(({ job }) => job.id)) ? this.socket : null;
      if (items.length && !via) this.voice.replaceChildren(this.options.words[WISHED[action]]);
      for (const item of items) {
        if (action === "remove" || !ended(item.job)) this.changed.add(set(item, { asked: action, via }));
      }
      this.schedule();
    }

    emit(event, detail) {
      for (const target of [this, all]) target.dispatchEvent(new CustomEvent(event, { detail: [detail, this] }));
    }

    // ---- time -----------------------------------------------------------------------------------

    now() { return Date.now() + this.skew; }

    /** Learn the server's time: no earlier than a record's last date, and just that if the record has just turned. */
    setClock(job, fresh) {
      const ahead = Date.parse(job.date_end || job.date_start || job.date_created) - Date.now();
      if (!(Math.abs(ahead) < DAY) || this.sure && !fresh) return;
      if (ahead > this.skew || !this.sure && fresh) this.skew = ahead;
      this.sure ||= fresh;
      if (!this.sure && stateOf(job) === "running") askTime().then((skew) => {
        if (this.sure || !(Math.abs(skew) < DAY)) return;
        [this.skew, this.sure] = [skew, true];
        for (const item of this.items.values()) if (item.pace) this.setPace(set(item, { pace: null }));
      });
    }

    /** Estimate from the pace so far when a running job ends; smoothly, for no job runs evenly. */
    setPace(item) {
      const progress = progressOf(item.job), now = this.now();
      let { pace } = item;
      if (progress === null) pace = null;
      else if (!pace) pace = { since: Date.parse(item.job.date_start), from: 0, progress: 0 };
      else if (progress < pace.progress) pace = { since: now, from: progress, progress };  // it has begun anew
      item.pace = pace;
      if (!pace) return;
      const took = now - pace.since;
      if (took > 3000 && progress > pace.progress) {
        const end = now + took * (1 - progress) / (progress - pace.from);
        pace.end = pace.end ? pace.end + 0.3 * (end - pace.end) : end;
      }
      pace.progress = progress;
    }

    time({ job, pace, row }) {
      const { words } = this.options;
      const took = Math.max(0, (job.date_end ? Date.parse(job.date_end) : this.now()) - Date.parse(job.date_start));
      const left = (pace?.end - this.now()) / 1000;
      setPart(row, "time", { textContent: took < 1000 * DAY ? words.time(took / 1000) : "" });
      setPart(row, "left", { textContent: left > 0 && left < 1e7 ? words.left(left) : "" });
    }

    // ---- telling --------------------------------------------------------------------------------

    /** Have a job's new state read out, together with those of the same moment. */
    tell(item) {
      this.news.add(set(item, { unseen: document.hidden }));
      if (!this.telling) this.telling = setTimeout(() => this.speak(), this.spoke > Date.now() - 5000 ? 3000 : 500);
    }

    speak() {
      const sum = (news) => STATES.map((state) => {
        const some = news.filter(({ job }) => stateOf(job) === state);
        return some.length ? this.options.words.news(some.length, state, brief(String(some[0].job.name), 100)) : "";
      }).filter(Boolean).join(". ");
      const news = [...this.news], long = news.filter(({ job, unseen }) => unseen && ended(job)
        && Date.parse(job.date_end) - Date.parse(job.date_start) > 60_000);
      this.news.clear();
      this.telling = 0;
      this.spoke = Date.now();
      this.voice.replaceChildren(sum(news));  // anew, or the same text would not be heard twice
      if (!long.length || !this.options.notify || window.Notification?.permission !== "granted") return;
      try {
        const tag = `moi ${long.map(({ job }) => job.id)}`;  // several tabs show one
        new Notification(sum(long), { tag }).onclick = () => window.focus();
      } catch {  // Chromium on Android has them for service workers only
      }
    }

    // ---- drawing ----------------------------------------------------------------------------------

    build() {
      const { words, element } = this.options, { signal } = this.ending;
      const button = (name, onclick, ...children) => set(make("button", "moi-" + name, ...children), { onclick });
      this.element = element;
      this.placed = element.isConnected;
      this.filters = new Map(["", ...STATES].map((state) => [state, button("filter",
        () => this.narrow(state, this.query), words[state || "all"] + " ", make("span", "moi-count"))]));
      const filters = set(make("div", "moi-filters", ...this.filters.values()),
        { role: "group", ariaLabel: words.filter });
      this.search = set(make("input", "moi-search"), {
        type: "search", placeholder: words.search, ariaLabel: words.search,
        oninput: () => this.narrow(this.filter, this.search.value.trim().toLowerCase()),
      });
      this.asking = button("notify", () => Notification.requestPermission().then((answer) => {
        this.voice.replaceChildren(words[answer] || "");
        this.schedule();
      }), words.notify);
      this.clear = button("clear", () => this.wish("remove",
        this.view.filter(({ job, asked }) => ended(job) && !asked).slice(0, MOST)), words.clear);
      this.bar = set(make("div", "moi-bar", filters, this.search, this.asking, this.clear), { hidden: true });
      this.list = set(make("ul", "moi-list"),
        { role: "list", ariaLabel: words.list, onclick: (event) => this.click(event) });
      this.end = make("div", "moi-end");
      this.line = make("p", "moi-state");
      this.voice = make("p", "moi-voice");
      const live = set(make("div", "moi-live", this.line, this.voice), { ariaLive: "polite" });
      element.classList.add("moi");
      element.replaceChildren(this.bar, this.list, this.end, live);
      this.observer = new IntersectionObserver((entries) => {
        const done = this.shown.length >= this.most && this.most < this.view.length;  // else what it saw is not the end
        if (!done || !entries.at(-1).isIntersecting) return;
        this.most += this.options.rows;
        this.schedule();
      }, { rootMargin: "1000px" });
      this.ticker = setInterval(() => {
        this.probe();
        // Let the times of running rows go on; the others are written once.
        if (!document.hidden) for (const item of this.shown) if (stateOf(item.job) === "running") this.time(item);
      }, 200);
      const hurry = () => {
        if (document.hidden || this.socket.readyState < WebSocket.CLOSING) return;
        clearTimeout(this.timer);
        this.connect();
      };
      element.addEventListener("keydown", (event) => {
        const again = event.repeat && event.target.closest("button, a, summary");  // held down, it is no second wish
        if (event.key === "Enter" && (again || event.target === this.search)) event.preventDefault();
      }, { signal });
      element.addEventListener("scroll", ({ target }) => {  // who has scrolled to the end of an output follows it
        target.atEnd = target.scrollTop + target.clientHeight > target.scrollHeight - 4;
      }, { capture: true, signal });
      element.addEventListener("focusout", () => this.schedule(), { signal });  // of a row that was kept for that alone
      addEventListener("online", hurry, { signal });
      document.addEventListener("visibilitychange", hurry, { signal });  // as after a sign-in in another tab
    }

    click({ target, detail }) {
      if (detail > 1) return;  // of a double click, whose second one would hit what has come to stand there
      const hit = (name) => target.closest(".moi-" + name), item = this.items.get(hit("job")?.dataset.id);
      if (hit("copy")) return this.copy(hit("copy"));
      const action = ["remove", "cancel"].find(hit);
      if (!action || !item || item.asked) return;
      if (action === "remove") this.removing = item.job.id;
      this.wish(action, [item]);
    }

    async copy(button) {
      const { words } = this.options, folded = button.closest(".moi-value, .moi-traceback, .moi-output");
      const element = folded.querySelector(".moi-value-text, .moi-traceback-text, .moi-output-text");
      let done = true;
      try {
        await navigator.clipboard.writeText(element.textContent);
      } catch {  // not there without https, or not allowed: the way of old
        getSelection().selectAllChildren(element);
        const give = (event) => {  // not what lies selected, where blocks become lines
          event.clipboardData.setData("text/plain", element.textContent);
          event.preventDefault();
        };
        document.addEventListener("copy", give);
        done = document.execCommand("copy");
        document.removeEventListener("copy", give);
      }
      const said = done ? words.copied : words.uncopied, own = button.own ||= [...button.childNodes];
      button.replaceChildren(said);
      this.voice.replaceChildren(said);
      setTimeout(() => button.replaceChildren(...own), 2000);
    }

    /** Show only jobs of one state, and with the query in what their rows say, or the ID. */
    narrow(filter, query) {
      [this.filter, this.query, this.most] = [filter, query, this.options.rows];
      clearTimeout(this.counting);
      this.counting = setTimeout(() => {  // when the typing pauses
        this.voice.replaceChildren(this.view.length ? this.options.words.shown(this.view.length) : "");
      }, 700);
      this.schedule();
    }

    say(state) {
      if (state !== this.state) this.emit("state", this.state = state);
      this.element.classList.toggle("moi-away", state !== "online");
      const { words } = this.options;
      set(this.line, { textContent: words[state] || this.trouble || (!this.answered || this.view.length ? ""
        : this.items.size ? words.unmatched : words.empty) });
    }

    /** Draw what has changed, once a frame. A hidden tab gets no frames, and needs none. */
    schedule() {
      if (!this.frame) this.frame = requestAnimationFrame(() => { this.frame = 0; this.draw(); });
    }

    draw() {
      this.placed ||= this.element.isConnected;
      const active = this.element.contains(document.activeElement) ? document.activeElement : null;
      this.refuge = active?.closest(".moi-job");
      const from = this.refuge?.dataset.id, box = active?.getBoundingClientRect(), last = this.lastInSight();
      const inSight = ({ top, bottom }) => top >= 0 && bottom <= innerHeight;
      const byKey = from && active.matches(":focus-visible");  // with a mouse it is the newer rows that are looked for
      if (!this.items.size && (this.filter || this.query)) this.narrow("", this.search.value = "");
      const limit = this.changed.size > 100 ? ROWS_A_FRAME / 2 : ROWS_A_FRAME;
      for (const item of this.changed) if (item.row) this.fill(item);
      this.changed.clear();
      if (this.arrived.size || this.items.size < this.order.length) {
        this.order = [...this.order, ...this.arrived].filter((item) => this.items.get(item.job.id) === item)
          .sort((a, b) => (a.date < b.date ? 1 : a.date > b.date ? -1 : 0));
        this.arrived.clear();
      }
      // The row that has the focus stays, whatever becomes of its job and however many newer ones come, and so does the
      // next, where Tab leads; and so does the last one in sight of who has scrolled to it.
      this.view = this.order.filter((item) => this.fits(item) || byKey && item.row === this.refuge);
      for (const row of [this.refuge, last]) {
        if (row) this.most = Math.max(this.most, 2 + this.view.findIndex((item) => item.row === row));
      }
      const { shown, held } = this;
      this.show(limit);
      this.showBar();
      this.say(this.state);
      const away = active && (box.bottom < 0 || box.top > innerHeight);
      if (active && !active.checkVisibility()) return this.refocus(active, from, away);
      // What newer rows push out of sight is brought back. They are as high as they get only when they come into it.
      const stood = byKey && (inSight(box) || held?.active === active && held.scrollY === scrollY);
      const pushed = stood && !inSight(active.getBoundingClientRect());
      if (pushed) active.scrollIntoView({ block: "nearest", behavior: "instant" });
      this.held = stood ? { active, scrollY } : null;
      if (pushed || stood && shown !== this.shown) this.schedule();
    }

    /** The last row in sight of who has scrolled into the list. */
    lastInSight() {
      const { x, top, bottom, width } = this.list.getBoundingClientRect();
      if (top >= 0 || bottom < 0) return null;
      // Something of the page's may lie over it, or the gap between two rows.
      const row = [1, 25].flatMap((up) => document.elementsFromPoint(x + width / 2, innerHeight - up))
        .find((each) => each.parentNode === this.list);
      return row || (bottom < innerHeight ? this.shown.at(-1)?.row : null);
    }

    /** Whether a job is to be in the view. */
    fits(item) {
      if (this.filter && stateOf(item.job) !== this.filter) return false;
      if (this.query && !item.text) {
        const { name, id } = item.job, word = this.options.words[stateOf(item.job)];
        item.text = `${(name || "").slice(0, 500)}\n${word}\n${saidBy(item.job).status}\n${id}`.toLowerCase();
      }
      return !this.query || item.text.includes(this.query);
    }

    /** See to it that the first jobs of the view have a row each, and the others none. */
    show(limit) {
      const first = this.view.slice(0, this.most);
      if (this.length === this.view.length && this.shown.length === first.length
        && first.every((item) => item.row)) return;
      this.length = this.view.length;
      const kept = new Set(first);
      for (const item of this.shown) {
        if (kept.has(item)) continue;
        if (item.row === this.refuge) this.refuge = item.row.nextElementSibling || item.row.previousElementSibling;
        item.row.remove();
        item.row = null;
      }
      let next = this.list.firstElementChild;
      for (const item of first) {
        if (!item.row) {
          if (!limit--) break;
          item.row = this.list.insertBefore(this.newRow(), next);
          item.row.dataset.id = item.job.id;
          this.fill(item);
        }
        next = item.row.nextElementSibling;
      }
      this.shown = first.filter((item) => item.row);
      if (limit < 0) this.schedule();
      this.observer.unobserve(this.end);  // it says anew whether the end is in view: it may not have left it
      this.observer.observe(this.end);
    }

    showBar() {
      const { words } = this.options;
      this.bar.hidden = !this.items.size;
      for (const [state, button] of this.filters) {
        const n = state ? this.counts[state] : this.items.size, on = state === this.filter;
        set(button, { hidden: !n && !on, ariaPressed: String(on) });
        set(button.lastChild, { textContent: words.number(n) });
      }
      this.search.hidden = this.items.size < 10 && !this.query && document.activeElement !== this.search;
      this.asking.hidden = !this.options.notify || window.Notification?.permission !== "default";
      this.clear.hidden = !this.view.some(({ job }) => ended(job));
    }

    /** Give the focus of a control that is gone to its row, where no key does harm; of a row that was removed, to the
     *  next Remove. Who has scrolled away from it stays where he reads. */
    refocus(active, id, preventScroll) {
      const row = this.refuge;
      const again = row && !row.contains(active) && id === this.removing && active.closest(".moi-remove");
      const next = again && [...row.querySelectorAll(".moi-remove")].find((e) => e.checkVisibility());
      const pressed = this.bar.contains(active) && !this.bar.hidden
        && (this.query ? this.search : this.filters.get(this.filter));
      const place = row || pressed || (this.view.length ? this.list : this.line);
      if (!next && !pressed) place.tabIndex = -1;
      (next || place).focus({ preventScroll });
    }

    newRow() {
      const own = document.getElementById(this.options.template)?.content?.firstElementChild;
      const row = own ? own.cloneNode(true) : plainRow(this.options.words);
      row.classList.add("moi-job");
      for (const button of row.querySelectorAll("button:not([type])")) button.type = "button";  // no form is sent
      row.labels = Object.fromEntries(["result", "cancel", "remove"].map((key) => {
        const part = row.querySelector(".moi-" + key);  // a template's own words count
        return [key, part?.ariaLabel || part?.textContent.trim() || this.options.words[key]];
      }));
      return row;
    }

    fill(item) {
      const { job, row } = item, { words } = this.options;
      const over = ended(job), state = stateOf(job), failed = state === "failed";
      const name = brief(String(job.name), 500);  // a megabyte of it would hold up the browser
      const part = (key, properties) => setPart(row, key, properties);
      const called = brief(name || job.id, 100), label = (key) => row.labels[key] + ": " + called;
      const fold = (key, text) => {
        part(key, { hidden: !text });
        // Without what a terminal would obey that it is copied to.
        const safe = (text || "").replace(/[\0-\x08\x0b-\x1f\x7f-\x9f]/g, "");
        for (const element of row.getElementsByClassName(`moi-${key}-text`)) setText(element, safe);
      };
      if (row.dataset.state !== state) {
        row.dataset.state = state;
        for (const element of row.getElementsByClassName("moi-icon")) element.replaceChildren(icon(state));
      }
      const cut = job.truncated ? words.truncated : "", { short, status } = saidBy(job);
      const result = over && job.result != null ? asText(job.result) : "";
      part("word", { textContent: words[WISHED[item.asked] || state] });
      part("name", { textContent: name, title: name });
      part("status", { textContent: status, title: status });
      const progress = progressOf(job), link = over ? resultLink(job) : null;
      part("percent", { textContent: progress === null ? "" : words.percent(Math.floor(progress * 100 + 1e-9)) });
      part("progress", { hidden: progress === null, value: progress || 0, ariaLabel: called });
      part("result", { hidden: !link, ariaLabel: label("result"), ...(link && { href: link }) });
      part("cancel", { hidden: over, ariaLabel: label("cancel"), ariaDisabled: String(!!item.asked) });
      part("remove", { hidden: !over, ariaLabel: label("remove"), ariaDisabled: String(!!item.asked) });
      fold("traceback", failed && !short ? result + cut : "");
      fold("value", failed || short ? "" : result + cut);
      fold("output", printed(job.output || ""));
      this.time(item);
    }
  }

  const moi = window.moi = {
    lists: [],
    defaults: DEFAULTS,
    /** Hear of an event of any list; see JobList.on. */
    on: JobList.prototype.on.bind(all),
    /** Start a list; returns it. */
    connect(options = {}) {
      const element = options.element || document.getElementById("moi-joblist");
      if (!element) throw new Error("moi: there is no element for the list: add <div id=\"moi-joblist\"></div>");
      for (const old of moi.lists) {  // a page that draws itself anew has taken their elements away
        if (old.element === element || old.placed && !old.element.isConnected) old.close();
      }
      const list = new JobList({ ...attributes(element.dataset), ...options, element });
      moi.lists.push(list);
      return list;
    },
  };

  /** The options that the element's data-... attributes set. */
  function attributes(data) {
    const read = { url: String, template: String, rows: (text) => Number(text) || DEFAULTS.rows,
      title: (text) => text !== "false", notify: (text) => text !== "false" };
    return Object.fromEntries(Object.keys(read).filter((key) => key in data).map((key) => [key, read[key](data[key])]));
  }

  const title = { own: "", shown: null };

  /** Put the number of running jobs, of all lists, before the page's own title: (3) Title. */
  function showRunning() {
    const n = moi.lists.reduce((sum, list) => sum + (list.options.title ? list.counts.running : 0), 0);
    if (document.title !== title.shown) title.own = document.title;  // the page has changed it
    const words = n ? `(${n}) ${title.own}` : title.own;
    if (document.title !== words) document.title = words;
    title.shown = document.title;
  }

  const script = document.currentScript?.src;
  let asked;

  /** Ask the server that this file came from, once, how far its clock is ahead of ours; NaN if that is another's. */
  function askTime() {
    if (!script || new URL(script).origin !== location.origin) return Promise.resolve(NaN);
    return asked ??= fetch(script, { method: "HEAD", cache: "no-store" })
      .then(({ headers }) => Date.parse(headers.get("Date")) + 1000 * headers.get("Age") - Date.now(), () => NaN);
  }

  let sheet;

  function start() {
    if (sheet) return;
    sheet = new CSSStyleSheet();  // constructed, so that a strict Content-Security-Policy allows it
    sheet.replaceSync(STYLE);
    document.adoptedStyleSheets = [sheet, ...document.adoptedStyleSheets];
    const element = document.getElementById("moi-joblist");
    if (element && !moi.lists.some((list) => list.element === element)) moi.connect({ element });
  }
  // Later than all scripts of the page, which may set moi.defaults; a script that was loaded late finds it complete.
  if (document.readyState === "complete") start();
  else for (const event of ["DOMContentLoaded", "load"]) addEventListener(event, start);
})();
