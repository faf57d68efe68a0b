/**
 * Where the focus goes when what had it is taken away: a button that was pressed and is gone leaves whoever uses the keyboard
 * or a screen reader in the part of the page that it stood in, and not at its very beginning.
 */
export function keepFocus(): void {
  let last: Element | null = null;
  let around: HTMLElement[] = [];
  document.addEventListener("focusin", ({ target }) => {
    last = target as Element;
    around = [];
    for (let up = last.parentElement; up && up !== document.body; up = up.parentElement) if (up.matches("section, aside, nav, main, [role], [tabindex]")) around.push(up);
  });
  new MutationObserver(() => {
    if (!last || last.isConnected || document.activeElement !== document.body) return;
    const home = around.find((part) => part.isConnected);
    last = null;
    if (!home) return;
    if (!home.hasAttribute("tabindex")) home.tabIndex = -1;
    home.focus({ preventScroll: true });
  }).observe(document.body, { childList: true, subtree: true });
}
