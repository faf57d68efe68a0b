/** Tells the page around this one how high it is, and nothing else. */
export function reportHeight(): void {
  if (window.parent === window) return;
  let told = 0;
  new ResizeObserver(() => {
    const height = Math.ceil(document.body.getBoundingClientRect().height);
    if (height === told) return;
    told = height;
    window.parent.postMessage({ ultrare: "height", height }, "*");
  }).observe(document.body);
}
