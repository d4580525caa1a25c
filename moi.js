/*
 * moi.js: a live list of jobs. One line of HTML is enough:
 *
 *     <div id="moi-joblist"></div>
 *     <script src="/static/moi.js"></script>
 *
 * Attributes of the <div>: data-url, the websocket (default: /moi-ws).
 * From a script: moi.connect({element, url, ...}) for more lists, list.on(event, fn) or moi.on(event, fn) to hear what
 * happens: "add", "update", "remove" (a job), "error" (a text), "state" (connecting, online, reconnecting, offline).
 *
 * A <template id="moi-job"> on the page replaces the row; its parts are found by their classes, moi-name and so on.
 * Colours and spacing are the custom properties --moi-... in the style sheet below; light or dark follows the page's
 * own CSS color-scheme.
 *
 * Everything that comes from the server is shown as text, never as HTML.
 */
(function () {
  "use strict";

  const DEFAULTS = {
    url: "/moi-ws",          // of the websocket: a path, or ws(s)://...
    element: null,           // where the list goes; found by its ID when there is none
    retry: [2000, 30000],    // milliseconds before the first attempt to reconnect at the latest, and before any
    template: "moi-job",     // the ID of a <template> for the row
    rows: 200,               // rows shown at first, and more whenever the end of the list comes into view
    words: {
      connecting: "Connecting …",
      reconnecting: "Connection lost. Reconnecting …",
      offline: "You are offline. The list goes on when you are back.",
      empty: "No jobs yet.",
      cancel: "Cancel", cancelling: "Cancelling …", remove: "Remove", result: "Result",
      traceback: "Why it failed", output: "Output", value: "Result", truncated: " … (cut here)",
      Queued: "Queued", Running: "Running", Success: "Success", Failed: "Failed",
    },
  };

  const STYLE = `
.moi { --moi-gap: .75rem; --moi-radius: .5rem; --moi-border: light-dark(#d0d7de, #3d444d);
       --moi-back: light-dark(#fff, #0d1117); --moi-text: light-dark(#1f2328, #f0f6fc);
       --moi-dim: light-dark(#59636e, #9198a1); --moi-accent: light-dark(#0969da, #4493f8);
       --moi-queued: light-dark(#6e7781, #9198a1); --moi-running: light-dark(#0969da, #4493f8);
       --moi-success: light-dark(#1a7f37, #3fb950); --moi-failed: light-dark(#cf222e, #f85149); }
.moi-state { color: var(--moi-dim); margin: 0; padding: var(--moi-gap) 0; }
.moi-state:empty { display: none; }
.moi-list { list-style: none; margin: 0; padding: 0; }
.moi-job + .moi-job { margin-block-start: .5rem; }
.moi-away .moi-list { opacity: .55; }
.moi-job { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: .15rem var(--moi-gap); align-items: center;
           border: 1px solid var(--moi-border); border-inline-start: 4px solid var(--moi-queued);
           border-radius: var(--moi-radius); background: var(--moi-back); color: var(--moi-text);
           padding: .55rem var(--moi-gap);
           content-visibility: auto; contain-intrinsic-block-size: auto 4rem; }
.moi-job[data-state=running] { border-inline-start-color: var(--moi-running); }
.moi-job[data-state=success] { border-inline-start-color: var(--moi-success); }
.moi-job[data-state=failed] { border-inline-start-color: var(--moi-failed); }
.moi-name { font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; unicode-bidi: isolate; }
.moi-status { color: var(--moi-dim); overflow-wrap: anywhere; unicode-bidi: isolate; max-height: 6em; overflow: auto; }
.moi-job[data-state=running] .moi-status { color: var(--moi-running); }
.moi-job[data-state=success] .moi-status { color: var(--moi-success); }
.moi-job[data-state=failed] .moi-status { color: var(--moi-failed); }
.moi-time { color: var(--moi-dim); font-variant-numeric: tabular-nums; text-align: end; }
.moi-actions { display: flex; gap: .4rem; justify-content: end; align-items: center; }
.moi-actions button, .moi-actions a { font: inherit; font-size: .85em; padding: .1rem .55rem; border-radius: .35rem;
  border: 1px solid var(--moi-border); background: none; color: inherit; text-decoration: none; cursor: pointer; }
.moi-actions a { color: var(--moi-accent); }
.moi-actions button:hover, .moi-actions a:hover { border-color: var(--moi-accent); }
.moi-actions button:disabled { opacity: .6; cursor: default; }
.moi-progress { grid-column: 1 / -1; width: 100%; height: .4rem; accent-color: var(--moi-running); }
.moi-details { grid-column: 1 / -1; min-width: 0; }
.moi-details summary { color: var(--moi-dim); font-size: .85em; cursor: pointer; }
.moi-details pre { margin: .3rem 0 0; max-height: 20rem; overflow: auto; font-size: .8rem; white-space: pre-wrap;
                   overflow-wrap: anywhere; unicode-bidi: isolate; }
.moi-end { height: 1px; }
.moi-voice { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.moi [hidden] { display: none; }
`;

  /** Make an element: make("li", "moi-job", ...children). */
  function make(tag, name, ...children) {
    const element = document.createElement(tag);
    if (name) element.className = name;
    element.append(...children);
    return element;
  }

  /** The row as it comes, where the page has no template of its own. */
  function plainRow(words) {
    const cancel = make("button", "moi-cancel", words.cancel);
    const remove = make("button", "moi-remove", words.remove);
    cancel.type = remove.type = "button";
    const progress = make("progress", "moi-progress");
    progress.max = 1;
    const fold = (name, title) => {
      const details = make("details", "moi-details " + name, make("summary", "", title), make("pre", name + "-text"));
      details.hidden = true;
      return details;
    };
    return make("li", "moi-job", make("span", "moi-name"), make("span", "moi-time"), make("span", "moi-status"),
      make("span", "moi-actions", make("a", "moi-result", words.result), cancel, remove), progress,
      fold("moi-value", words.value), fold("moi-traceback", words.traceback), fold("moi-output", words.output));
  }

  /** Seconds as people read them: 4.2 s, 1:05, 2:03:04. */
  function clock(seconds) {
    if (seconds < 60) return (seconds < 10 ? seconds.toFixed(1) : Math.floor(seconds)) + " s";
    const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
    if (!parts[0]) parts.shift();
    return parts.map((part, i) => (i ? String(part).padStart(2, "0") : part)).join(":");
  }

  /** The link to a job's result, or null: only http(s) and relative handlers are linked. */
  function resultLink(job) {
    if (typeof job.handler !== "string" || !job.handler) return null;
    try {
      const url = new URL(job.handler.replace(/\/*$/, "") + "/" + encodeURIComponent(job.id), document.baseURI);
      return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
    } catch {
      return null;
    }
  }

  const ended = (job) => job.status === "Success" || job.status === "Failed";
  const STATES = ["Queued", "Running", "Success", "Failed"];
  const asText = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

  class JobList {
    constructor(options) {
      this.options = { ...DEFAULTS, ...options, words: { ...DEFAULTS.words, ...options.words } };
      this.jobs = new Map();      // ID -> job
      this.rows = new Map();      // ID -> its <li>, of the jobs that are shown
      this.order = [];            // {id, date} of all jobs, newest first; the first of them are shown
      this.places = new Map();    // ID -> its element of that
      this.most = this.options.rows;
      this.changed = new Set();   // IDs to draw in the next frame
      this.live = new Set();      // IDs of rows whose time goes on
      this.cancelling = new Set();
      this.unsent = [];           // what was clicked while there was no connection
      this.listeners = new Map();
      this.attempts = 0;
      this.skew = 0;              // milliseconds that the server's clock is ahead of ours
      this.state = "";
      this.build();
      this.connect();
    }

    // ---- for the page -------------------------------------------------------------------------

    /** Hear of an event: "add", "update", "remove", "error", "state". Returns a function that ends that. */
    on(event, listener) {
      if (!this.listeners.has(event)) this.listeners.set(event, new Set());
      this.listeners.get(event).add(listener);
      return () => this.listeners.get(event).delete(listener);
    }

    /** Ask the server for jobs (all of them without IDs), to cancel them, or to remove them from the list. */
    get(ids = []) { this.send({ get: ids }); }
    cancel(ids) { this.send({ cancel: ids }); }
    remove(ids) { this.send({ remove: ids }); }

    /** End this list: close the connection and empty the element. */
    close() {
      this.closed = true;
      clearTimeout(this.timer);
      clearInterval(this.ticker);
      if (this.socket) this.socket.close();
      removeEventListener("online", this.hurry);
      this.observer.disconnect();
      this.element.replaceChildren();
    }

    // ---- connection -----------------------------------------------------------------------------

    connect() {
      if (this.closed) return;
      this.say(this.attempts ? (navigator.onLine === false ? "offline" : "reconnecting") : "connecting");
      const url = new URL(this.options.url, document.baseURI);
      url.protocol = url.protocol.replace("http", "ws");
      const socket = this.socket = new WebSocket(url.href);
      socket.onopen = () => {
        this.attempts = 0;
        this.say("online");
        // What has gone meanwhile is answered with "remove", the rest with "add".
        const ids = [...this.jobs.keys()];
        for (let i = 0; i < ids.length; i += 5000) this.get(ids.slice(i, i + 5000));
        this.get();
        this.unsent.splice(0).forEach((message) => this.send(message));
        if (this.cancelling.size) this.cancel([...this.cancelling]);  // it may have been lost with the old connection
      };
      socket.onmessage = (event) => this.receive(event.data);
      socket.onclose = () => {
        if (socket !== this.socket || this.closed) return;
        const [first, most] = this.options.retry;
        // All of that time is open to chance, so that the tabs of a restarted server do not come back at once.
        const wait = Math.min(most, first * 2 ** this.attempts++) * (0.1 + 0.9 * Math.random());
        this.say(navigator.onLine === false ? "offline" : "reconnecting");
        this.timer = setTimeout(() => this.connect(), wait);
      };
    }

    send(message) {
      if (this.socket && this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
      else if (!message.get) this.unsent.push(message);
    }

    receive(data) {
      let message;
      try {
        message = JSON.parse(data);
      } catch {
        return console.warn("moi: a message is no JSON", data.slice(0, 200));
      }
      for (const action of ["add", "update", "remove"]) {
        for (const job of message[action] || []) this[action === "remove" ? "take" : "put"](job, action);
      }
      if (message.error) {
        console.warn("moi:", message.error);
        for (const id of this.cancelling) this.changed.add(id);
        this.cancelling.clear();
        this.emit("error", message.error);
      }
      this.schedule();
    }

    put(job, action) {
      if (!job || typeof job.id !== "string") return;
      for (const key of ["name", "status", "output", "date_created", "date_start", "date_end"]) {
        if (job[key] != null && typeof job[key] !== "string") job[key] = JSON.stringify(job[key]);  // another program's
      }
      const before = this.jobs.get(job.id);
      if (before && ended(before) && !ended(job)) return;
      if (before && !before.date_start && job.date_start) this.skew = Date.parse(job.date_start) - Date.now();
      if (ended(job)) this.cancelling.delete(job.id);
      this.jobs.set(job.id, job);
      this.changed.add(job.id);
      this.emit(action, job);
      if (before && ended(job) && !ended(before)) {
        this.voice.textContent = `${job.name}: ${this.options.words[job.status]}`;
      }
    }

    take(job) {
      if (!this.jobs.delete(job.id)) return;
      this.changed.add(job.id);
      this.cancelling.delete(job.id);
      this.emit("remove", job);
    }

    emit(event, detail) {
      for (const source of [this, moi]) {
        for (const listener of source.listeners.get(event) || []) {
          try {
            listener(detail, this);
          } catch (error) {
            console.error("moi: a listener failed", error);
          }
        }
      }
    }

    // ---- drawing ----------------------------------------------------------------------------------

    build() {
      this.element = this.options.element;
      this.line = make("p", "moi-state");
      this.line.setAttribute("role", "status");
      this.list = make("ul", "moi-list");
      this.list.setAttribute("role", "list");
      this.voice = make("div", "moi-voice");
      this.voice.setAttribute("aria-live", "polite");
      this.element.classList.add("moi");
      this.end = make("div", "moi-end");
      this.element.replaceChildren(this.line, this.list, this.end, this.voice);
      this.observer = new IntersectionObserver((entries) => {
        if (!entries[0].isIntersecting || this.most >= this.order.length) return;
        this.most += this.options.rows;
        this.schedule();
      }, { rootMargin: "1000px" });
      this.observer.observe(this.end);
      this.list.addEventListener("click", (event) => {
        const row = event.target.closest(".moi-job");
        if (row && event.target.closest(".moi-cancel")) {
          this.cancelling.add(row.dataset.id);
          this.cancel([row.dataset.id]);
          this.changed.add(row.dataset.id);
          this.schedule();
        } else if (row && event.target.closest(".moi-remove")) {
          this.remove([row.dataset.id]);
        }
      });
      this.ticker = setInterval(() => this.tick(), 200);
      this.hurry = () => {
        if (this.socket.readyState !== WebSocket.CLOSED) return;
        clearTimeout(this.timer);
        this.connect();
      };
      addEventListener("online", this.hurry);
    }

    say(state) {
      if (state !== this.state) this.emit("state", this.state = state);
      this.element.classList.toggle("moi-away", state !== "online");
      const words = this.options.words[state] || (this.jobs.size || !this.answered ? "" : this.options.words.empty);
      if (this.line.textContent !== words) this.line.textContent = words;
    }

    /** Draw what has changed, once a frame. A hidden tab gets no frames, and needs none. */
    schedule() {
      this.answered = true;
      if (!this.frame) this.frame = requestAnimationFrame(() => { this.frame = 0; this.draw(); });
    }

    draw() {
      for (const id of this.changed) {
        const job = this.jobs.get(id);
        const place = this.places.get(id);
        if (job && !place) this.insert(job);
        else if (job && this.rows.has(id)) this.fill(this.rows.get(id), job);
        else if (!job && place) {
          this.order.splice(this.order.indexOf(place), 1);
          this.places.delete(id);
          if (this.rows.has(id)) this.drop(this.rows.get(id));
        }
      }
      this.changed.clear();
      this.show();
      this.say(this.state);
      this.tick();
    }

    /** Give a new job its place, newest first. */
    insert(job) {
      const place = { id: job.id, date: String(job.date_created || "") };
      let low = 0, high = this.order.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (this.order[middle].date > place.date) low = middle + 1;
        else high = middle;
      }
      this.order.splice(low, 0, place);
      this.places.set(job.id, place);
    }

    /** See to it that the first jobs have a row each, and the others none. */
    show() {
      const first = this.order.slice(0, this.most).map((place) => place.id);
      const kept = new Set(first);
      for (const [id, row] of this.rows) if (!kept.has(id)) this.drop(row);
      let next = null;
      for (const id of first.reverse()) {
        let row = this.rows.get(id);
        if (!row) {
          row = this.row(this.jobs.get(id));
          this.list.insertBefore(row, next);
          this.rows.set(id, row);
        }
        next = row;
      }
    }

    drop(row) {
      row.remove();
      this.rows.delete(row.dataset.id);
      this.live.delete(row.dataset.id);
    }

    row(job) {
      const template = document.getElementById(this.options.template);
      this.plain = this.plain || plainRow(this.options.words);
      const row = (template ? template.content.firstElementChild : this.plain).cloneNode(true);
      row.classList.add("moi-job");
      row.dataset.id = job.id;
      row.parts = new Map();        // "moi-name" -> the elements of that class
      for (const element of row.querySelectorAll("[class*=moi-]")) {
        for (const name of element.classList) row.parts.set(name, [...(row.parts.get(name) || []), element]);
      }
      this.fill(row, job);
      return row;
    }

    fill(row, job) {
      const words = this.options.words;
      const part = (name, act) => { for (const element of row.parts.get(name) || []) act(element); };
      const text = (name, value) => part(name, (e) => { if (e.textContent !== value) e.textContent = value; });
      const fold = (name, value) => {
        part(name, (e) => { e.hidden = !value; });
        text(name + "-text", value || "");
      };
      const name = String(job.name);
      const label = (e, words) => {
        const value = words ? `${words}: ${name.slice(0, 100)}` : name.slice(0, 100);
        if (e.getAttribute("aria-label") !== value) e.setAttribute("aria-label", value);
      };
      const over = ended(job);
      const state = over ? job.status.toLowerCase() : job.status === "Queued" ? "queued" : "running";
      const stopping = this.cancelling.has(job.id);
      const failed = state === "failed";
      const cut = job.truncated ? words.truncated : "";
      if (row.dataset.state !== state) row.dataset.state = state;
      text("moi-name", name);
      part("moi-name", (e) => { if (e.title !== name.slice(0, 500)) e.title = name.slice(0, 500); });
      const brief = over && job.result != null ? asText(job.result) : "";
      const short = brief.length < 60 && !brief.includes("\n");
      text("moi-status", stopping ? words.cancelling
        : (STATES.includes(job.status) ? words[job.status] : String(job.status)) + (brief && short ? ": " + brief : ""));
      part("moi-progress", (e) => {
        e.hidden = state !== "running" || !Number.isFinite(job.progress);
        if (!e.hidden) e.value = job.progress;
        label(e, "");
      });
      const link = over ? resultLink(job) : null;
      part("moi-result", (e) => {
        e.hidden = !link;
        if (link) e.href = link;
      });
      part("moi-cancel", (e) => {
        e.hidden = over;
        e.disabled = stopping;
        label(e, words.cancel);
      });
      part("moi-remove", (e) => {
        e.hidden = !over;
        label(e, words.remove);
      });
      fold("moi-traceback", failed && !short ? brief + cut : "");
      fold("moi-value", failed || short ? "" : brief + cut);
      fold("moi-output", job.output);
      if (over) this.live.delete(job.id);
      else this.live.add(job.id);
      this.time(row, job);
    }

    time(row, job) {
      const from = Date.parse(job.date_start);
      const to = job.date_end ? Date.parse(job.date_end) : Date.now() + this.skew;
      const words = from && to ? clock(Math.max(0, to - from) / 1000) : "";
      for (const element of row.parts.get("moi-time") || []) {
        if (element.textContent !== words) element.textContent = words;
      }
    }

    /** Let the times of running rows go on; ended rows are written once. */
    tick() {
      if (document.hidden) return;
      for (const id of this.live) this.time(this.rows.get(id), this.jobs.get(id));
    }
  }

  const moi = window.moi = {
    lists: [],
    listeners: new Map(),
    /** Hear of an event of any list; see JobList.on. */
    on: JobList.prototype.on,
    /** Start a list; returns it. */
    connect(options = {}) {
      const element = options.element || document.getElementById("moi-joblist");
      if (!element) throw new Error("moi: there is no element for the list: add <div id=\"moi-joblist\"></div>");
      const list = new JobList({ ...(element.dataset.url && { url: element.dataset.url }), ...options, element });
      moi.lists.push(list);
      return list;
    },
  };

  function start() {
    const sheet = new CSSStyleSheet();  // constructed, so that a strict Content-Security-Policy allows it
    sheet.replaceSync(STYLE);
    document.adoptedStyleSheets = [sheet, ...document.adoptedStyleSheets];
    const element = document.getElementById("moi-joblist");
    if (element && !moi.lists.length) moi.connect({ element });
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
