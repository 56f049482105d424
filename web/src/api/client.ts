/** The one way to the edge: typed by its OpenAPI document, with the cookie of the session and the code against forged requests. */
import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

/** What every error of the edge is: problem+json, as RFC 9457 has it. */
export interface Problem {
  status: number;
  title: string;
  detail: string;
  code: string;
  request_id?: string;
  problems?: { node?: string; pin?: string; path?: string; code?: string; reason?: string }[];
  [fact: string]: unknown;
}

export class ApiError extends Error {
  constructor(
    readonly problem: Problem,
    readonly retryAfterS: number | null = null,
  ) {
    super(problem.detail || problem.title);
    this.name = "ApiError";
  }
}

/** The network is away, or the edge does not answer. */
export class OfflineError extends Error {}

function csrf(): string | null {
  const found = /(?:^|;\s*)(?:__Host-)?millstream_csrf=([^;]+)/.exec(document.cookie);
  return found?.[1] ? decodeURIComponent(found[1]) : null;
}

const guard: Middleware = {
  onRequest({ request }) {
    const code = csrf();
    if (code && request.method !== "GET") request.headers.set("X-CSRF-Token", code);
    const org = localStorage.getItem("millstream.org");
    if (org) request.headers.set("X-Millstream-Org", org);
    return request;
  },
  onError() {
    return new OfflineError("offline");
  },
};

export const api = createClient<paths>({ baseUrl: "", credentials: "same-origin" });
api.use(guard);

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** Give the data of an answer, or throw what went wrong. */
export async function taken<T>(asked: Promise<Answer<T>>): Promise<NonNullable<T>> {
  const { data, error, response } = await asked;
  if (!response.ok) throw toError(error, response);
  return data as NonNullable<T>;
}

export function toError(error: unknown, response: Response): ApiError {
  const wait = Number(response.headers.get("Retry-After"));
  const known = typeof error === "object" && error !== null && "code" in error;
  const problem = known
    ? (error as Problem)
    : { status: response.status, title: response.statusText, detail: "", code: "unknown" };
  return new ApiError(
    { ...problem, status: response.status },
    Number.isFinite(wait) && wait > 0 ? wait : null,
  );
}
