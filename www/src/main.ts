import { mount } from "svelte";
import App from "./App.svelte";
import "./styles/tokens.css";
import "./styles/base.css";

const target = document.getElementById("page")!;
target.replaceChildren(); // the words for whoever opens the page as a file
mount(App, { target });

// Offline use is an extra: where it is refused (private windows, plain http) the page works all the same.
if (import.meta.env.PROD && "serviceWorker" in navigator) {
  addEventListener("load", () => void navigator.serviceWorker.register("./sw.js").catch(() => undefined));
}
