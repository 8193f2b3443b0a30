// The picture as a file of its own.
//
// In: the drawn `svg`. Out: an SVG that looks the same anywhere: what style sheets say of each element
// stands at the element.

const KEPT = ["fill", "stroke", "stroke-width", "stroke-dasharray", "font-size", "font-weight", "font-style", "opacity", "display", "paint-order", "stroke-linejoin"];

/** The text of the file. */
export function picture(svg: SVGSVGElement, size: { x: number; y: number; width: number; height: number }, ground: string): string {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const own = svg.querySelectorAll<SVGElement>("*");
  copy.querySelectorAll<SVGElement>("*").forEach((element, at) => {
    const original = own[at];
    if (original === undefined) return;
    const computed = getComputedStyle(original);
    for (const name of KEPT) {
      const value = computed.getPropertyValue(name);
      if (value !== "") element.setAttribute(name, value);
    }
    for (const name of ["class", "role", "tabindex", "data-id"]) element.removeAttribute(name);
    if (element.getAttribute("display") === "none" || original.classList.contains("hit")) element.remove();
  });
  for (const { name } of [...copy.attributes]) copy.removeAttribute(name);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("viewBox", `${size.x} ${size.y} ${size.width} ${size.height}`);
  copy.setAttribute("width", `${Math.ceil(size.width)}`);
  copy.setAttribute("height", `${Math.ceil(size.height)}`);
  copy.setAttribute("font-family", "system-ui, sans-serif");
  const back = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of Object.entries({ x: size.x, y: size.y, width: size.width, height: size.height, fill: ground })) back.setAttribute(name, `${value}`);
  copy.prepend(back);
  return new XMLSerializer().serializeToString(copy);
}

/** Hands a file to the reader. */
export function download(text: string, type: string, name: string): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
