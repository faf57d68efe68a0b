/** A drawing on a ground of its own, with its title and its sentence, so that a picture can stand alone. */
export function onGround(drawing: HTMLCanvasElement, title: string, sentence: string, ratio: number): Promise<Blob | null> {
  const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const [pad, line] = [14 * ratio, 17 * ratio];
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d")!;
  const font = `${12 * ratio}px sans-serif`;
  pen.font = font;
  const width = drawing.width;
  const lines: string[] = [""];
  for (const word of sentence.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (lines.at(-1) && pen.measureText(longer).width > width) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  canvas.width = width + 2 * pad;
  canvas.height = drawing.height + (2.4 + lines.length) * line + 2 * pad;
  pen.fillStyle = colour("--surface");
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = colour("--ink");
  pen.font = `600 ${14 * ratio}px sans-serif`;
  pen.fillText(title, pad, pad + line);
  pen.drawImage(drawing, pad, pad + 1.6 * line);
  pen.font = font;
  pen.fillStyle = colour("--ink-2");
  lines.forEach((text, i) => pen.fillText(text, pad, pad + 1.6 * line + drawing.height + (i + 1) * line));
  return new Promise((done) => canvas.toBlob(done));
}
