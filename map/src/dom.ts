// Elements of the page. Whatever comes from an answer becomes text here, and never markup.
//
// In: a name, attributes and content. Out: the element.

import { shown } from "./words";

const SVG = "http://www.w3.org/2000/svg";

export type Content = globalThis.Node | string | null;

type Attributes = Record<string, string | number | boolean | undefined>;

function fill<E extends Element>(element: E, attributes: Attributes, content: Content[]): E {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : `${value}`);
  }
  element.append(...content.filter((it) => it !== null).map((it) => (typeof it === "string" ? document.createTextNode(it) : it)));
  return element;
}

export function h<K extends keyof HTMLElementTagNameMap>(name: K, attributes: Attributes = {}, ...content: Content[]): HTMLElementTagNameMap[K] {
  return fill(document.createElement(name), attributes, content);
}

export function s<K extends keyof SVGElementTagNameMap>(name: K, attributes: Attributes = {}, ...content: Content[]): SVGElementTagNameMap[K] {
  return fill(document.createElementNS(SVG, name), attributes, content);
}

/** Text of the input, isolated so that its direction changes nothing around it. */
export function name(text: string): HTMLElement {
  return h("bdi", {}, shown(text));
}

/** The element of the page with an id, which is there: the page and its script are one file. */
export function part<E extends HTMLElement>(id: string, type: new () => E): E {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${id}`);
  return found;
}

export function button(label: string, attributes: Attributes, run: () => void): HTMLButtonElement {
  const made = h("button", { type: "button", ...attributes }, label);
  made.addEventListener("click", run);
  return made;
}
