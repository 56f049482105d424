/** One WebSocket for all pages: subscriptions, resumed after a cut with the last number that was seen. */
import { create } from "zustand";

export interface Frame {
  method: string;
  data?: unknown;
  channel?: string;
  success?: boolean;
  error?: string;
  sequence?: number;
}

export type Link = "closed" | "connecting" | "open" | "waiting";

/** State of the line, for the banner. */
export const useLink = create<{ link: Link; retryAt: number | null }>(() => ({
  link: "closed",
  retryAt: null,
}));

interface Subscription {
  method: string;
  data: Record<string, unknown>;
  channel: string | null;
  last: number | null;
  take: (frame: Frame) => void;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
const BEAT_MS = 25_000;

/** Subscribes, and again when the line was cut. Frames of one subscription come in order and, with `since`, once. */
export class Socket {
  private line: WebSocket | null = null;
  private readonly all = new Set<Subscription>();
  private asked: Subscription[] = [];
  private pause = FIRST_PAUSE_MS;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private beat: ReturnType<typeof setInterval> | undefined;

  constructor(private readonly connect: () => WebSocket) {}

  /** Follow one execution from its first event, or from behind `since`. Returns what ends it. */
  followExecution(id: string, since: number, take: (frame: Frame) => void): () => void {
    return this.subscribe("subscribe_graph_execution", { graph_exec_id: id }, since, take);
  }

  /** Follow all that the owner runs, from now on. */
  followAll(take: (frame: Frame) => void): () => void {
    return this.subscribe("subscribe_executions", {}, null, take);
  }

  private subscribe(
    method: string,
    data: Record<string, unknown>,
    since: number | null,
    take: (frame: Frame) => void,
  ): () => void {
    const one: Subscription = { method, data, channel: null, last: since, take };
    this.all.add(one);
    if (this.line?.readyState === WebSocket.OPEN) this.ask(one);
    else this.open();
    return () => {
      this.all.delete(one);
      this.asked = this.asked.filter((each) => each !== one);
      const shared = [...this.all].some((each) => each.channel === one.channel);
      if (one.channel && !shared) this.send({ method: "unsubscribe", data: { channel: one.channel } });
      if (this.all.size === 0) this.close();
    };
  }

  private open() {
    if (this.line || this.timer) return;
    useLink.setState({ link: "connecting", retryAt: null });
    const line = this.connect();
    this.line = line;
    line.onopen = () => {
      this.pause = FIRST_PAUSE_MS;
      useLink.setState({ link: "open", retryAt: null });
      this.asked = [];
      for (const one of this.all) this.ask(one);
      this.beat = setInterval(() => this.send({ method: "heartbeat", data: "ping" }), BEAT_MS);
    };
    line.onmessage = (event) => this.took(JSON.parse(String(event.data)) as Frame);
    line.onclose = () => this.lost(line);
  }

  private lost(line: WebSocket) {
    if (this.line !== line) return;
    this.line = null;
    clearInterval(this.beat);
    for (const one of this.all) one.channel = null;
    if (this.all.size === 0) return useLink.setState({ link: "closed", retryAt: null });
    const pause = this.pause * (0.75 + Math.random() / 2);
    this.pause = Math.min(LONGEST_PAUSE_MS, this.pause * 2);
    useLink.setState({ link: "waiting", retryAt: Date.now() + pause });
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.open();
    }, pause);
  }

  /** Try at once: somebody pressed the button, or the network is back. */
  retry() {
    if (this.line || this.all.size === 0) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.open();
  }

  private close() {
    const line = this.line;
    this.line = null;
    clearTimeout(this.timer);
    clearInterval(this.beat);
    this.timer = undefined;
    line?.close();
    useLink.setState({ link: "closed", retryAt: null });
  }

  private ask(one: Subscription) {
    this.asked.push(one);
    const data = one.last === null ? one.data : { ...one.data, since: one.last };
    this.send({ method: one.method, data });
  }

  private send(frame: Frame) {
    if (this.line?.readyState === WebSocket.OPEN) this.line.send(JSON.stringify(frame));
  }

  /** Answers come in the order of the questions; frames carry their channel. */
  private took(frame: Frame) {
    if (frame.success && frame.method.startsWith("subscribe_")) {
      const one = this.asked.shift();
      if (one) one.channel = frame.channel ?? null;
      return;
    }
    if (frame.method === "error" && !frame.channel) {
      this.asked.shift()?.take(frame);
      return;
    }
    for (const one of this.all) {
      if (one.channel === null || one.channel !== frame.channel) continue;
      if (frame.sequence !== undefined && one.last !== null) {
        if (frame.sequence <= one.last) continue;
        one.last = frame.sequence;
      }
      one.take(frame);
    }
  }
}

function url(): string {
  const org = localStorage.getItem("millstream.org");
  const base = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
  return org ? `${base}?org=${encodeURIComponent(org)}` : base;
}

export const socket = new Socket(() => new WebSocket(url()));
if (typeof window !== "undefined") window.addEventListener("online", () => socket.retry());
