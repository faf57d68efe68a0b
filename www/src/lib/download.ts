/** Hands a file to the person. Nothing leaves the machine: the address is a blob of this page. */
export function download(name: string, content: Blob | string, type = "text/plain"): void {
  const blob = typeof content === "string" ? new Blob([content], { type }) : content;
  const address = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** One CSV field; formula-like text is quoted with a leading apostrophe so that no spreadsheet runs it. */
export function csvField(value: unknown): string {
  let text = value === null || value === undefined ? "" : String(value);
  if (typeof value === "string" && /^[=+\-@\t]/.test(text)) text = `'${text}`;
  return /[",\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

export const csv = (header: string[], rows: unknown[][]): string =>
  [header, ...rows].map((row) => row.map(csvField).join(",")).join("\n") + "\n";

/** A chart as it is drawn, with the colours it has on the page, as one SVG file. */
export function svgFile(svg: SVGSVGElement): string {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const from = [svg, ...svg.querySelectorAll("*")];
  const to = [copy, ...copy.querySelectorAll("*")];
  const kept = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-size", "font-family", "font-weight", "text-anchor"];
  from.forEach((element, i) => {
    const style = getComputedStyle(element);
    for (const property of kept) {
      const value = style.getPropertyValue(property);
      if (value) to[i]!.setAttribute(property, value);
    }
    to[i]!.removeAttribute("class");
  });
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  return new XMLSerializer().serializeToString(copy);
}
