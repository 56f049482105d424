"use strict";
// The token is kept in this page alone: it is gone when the page is.
const byId = (id) => document.getElementById(id);
const made = (name, properties = {}, ...children) => {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
};
const credentials = () => {
  const token = byId("token").value.trim();
  return token ? { Authorization: `Bearer ${token}` } : {};
};

const csrf = () => {
  // A page that is logged in by cookie shows the code that was set for it.
  const found = document.cookie.match(/(?:^|; )[^=]*csrf[^=]*=([^;]*)/i);
  return found ? { "X-CSRF-Token": decodeURIComponent(found[1]) } : {};
};

function field(parameter) {
  const input = made("input", {
    name: parameter.name,
    required: Boolean(parameter.required),
    placeholder: String(parameter.example ?? ""),
    title: parameter.description ?? parameter.schema?.description ?? "",
  });
  input.dataset.where = parameter.in;
  return made("label", {}, `${parameter.name}${parameter.required ? "*" : ""} `, input);
}

function request(path, method, form, body) {
  const headers = { ...credentials(), ...csrf() };
  const query = new URLSearchParams();
  for (const input of form.querySelectorAll("input[data-where]")) {
    if (!input.value) continue;
    if (input.dataset.where === "path") path = path.replace(new RegExp(`\\{${input.name}(:path)?\\}`), encodeURIComponent(input.value));
    else if (input.dataset.where === "query") query.append(input.name, input.value);
    else if (input.dataset.where === "header") headers[input.name] = input.value;
  }
  const options = { method: method.toUpperCase(), headers };
  if (body?.type === "file") {
    options.body = new FormData();
    if (body.files[0]) options.body.append("file", body.files[0]);
  } else if (body?.value.trim()) {
    options.body = body.value;
    headers["Content-Type"] = "application/json";
  }
  return [query.size ? `${path}?${query}` : path, options];
}

async function send(event, path, method, form, body, shown) {
  event.preventDefault();
  shown.textContent = "…";
  try {
    const [url, options] = request(path, method, form, body);
    const answer = await fetch(url, options);
    const text = await answer.text();
    let pretty = text;
    try { pretty = JSON.stringify(JSON.parse(text), null, 2); } catch { /* no JSON: as it is */ }
    shown.textContent = `${answer.status} ${answer.statusText}\n${answer.headers.get("content-type") ?? ""}\n\n${pretty}`;
  } catch (error) {
    shown.textContent = String(error);
  }
}

function operation(path, method, found) {
  const form = made("form");
  const fields = made("fieldset", {}, ...(found.parameters ?? []).map(field));
  const content = found.requestBody?.content ?? {};
  let body = null;
  if (content["multipart/form-data"]) body = made("input", { type: "file" });
  else if (content["application/json"]) {
    body = made("textarea", { value: JSON.stringify(content["application/json"].example ?? {}, null, 2) });
  }
  const shown = made("pre", { textContent: "" });
  form.append(fields, ...(body ? [body] : []), made("button", { textContent: "Send" }));
  form.addEventListener("submit", (event) => send(event, path, method, form, body, shown));
  const title = made("summary", {}, made("span", { className: "method", textContent: method.toUpperCase() }), made("code", { textContent: path }));
  const details = made("details", {}, title);
  details.dataset.words = `${path} ${found.operationId} ${found.description ?? ""}`.toLowerCase();
  details.append(made("p", { textContent: found.description ?? "" }), form, shown);
  return details;
}

function show(schema) {
  const groups = new Map();
  for (const [path, methods] of Object.entries(schema.paths)) {
    for (const [method, found] of Object.entries(methods)) {
      const tag = found.tags?.[0] ?? "other";
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operation(path, method, found));
    }
  }
  const sections = [...groups].map(([tag, found]) => made("section", {}, made("h2", { textContent: tag }), ...found));
  byId("operations").replaceChildren(...sections);
  byId("state").textContent = `${schema.info.title} ${schema.info.version}`;
}

async function load() {
  const answer = await fetch("/openapi.json", { headers: credentials() });
  if (answer.ok) show(await answer.json());
  else if (byId("token").value) byId("state").textContent = `The token is not valid here (${answer.status}).`;
}

byId("login").addEventListener("submit", (event) => { event.preventDefault(); load(); });
byId("find").addEventListener("input", (event) => {
  const word = event.target.value.toLowerCase();
  for (const each of document.querySelectorAll("details")) each.hidden = !each.dataset.words.includes(word);
  for (const each of document.querySelectorAll("section")) each.hidden = !each.querySelector("details:not([hidden])");
});
load();
