/** The lessons as one page for paper, in the form that Carpentries lessons have. */
import { LESSONS, WORKSHOPS, type LessonText } from "./text.ts";

const safe = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
const list = (tag: "ul" | "ol", items: readonly string[]) => `<${tag}>${items.map((item) => `<li>${safe(item)}</li>`).join("")}</${tag}>`;

/** To draw a guess on. */
const AXIS = `<svg class="axis" viewBox="0 0 520 190" role="img" aria-label="An empty axis: shards from 1 to 40, accuracy from 0 to 100%"><path d="M50 10V160H510" fill="none" stroke="currentColor"/>${[["1", 50], ["2", 136], ["5", 251], ["10", 337], ["20", 424], ["40", 505]].map(([k, x]) => `<text x="${x}" y="178" text-anchor="middle" font-size="13" fill="currentColor">${k}</text>`).join("")}<text x="44" y="24" text-anchor="end" font-size="13" fill="currentColor">100%</text><text x="44" y="164" text-anchor="end" font-size="13" fill="currentColor">0</text><circle cx="50" cy="20" r="4" fill="currentColor"/></svg>`;

const lesson = (text: LessonText, number: number) => `
<section class="lesson" id="${text.id}">
  <h2>${number}. ${safe(text.title)}</h2>
  <p class="minutes">Teaching: ${text.teaching} min. Exercise: ${text.exercise} min. <a href="./${safe(text.link)}&amp;lesson=${text.id}">Open it on the page</a></p>
  <h3>Questions</h3>${list("ul", text.questions)}
  <h3>Objectives</h3>${list("ul", text.objectives)}
  <h3>Predict</h3><p>${safe(text.predict.ask)}</p>${text.id === "shards" ? AXIS : ""}${list("ol", text.predict.options)}
  <h3>Do</h3>${list("ol", text.tasks)}
  <h3>Key points</h3>${list("ul", text.keyPoints)}
</section>`;

export const printed = (): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'self'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>ultrare: eight lessons on forgetting</title>
<link rel="icon" href="./favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="./lessons.css">
</head>
<body>
<main>
<h1>Eight lessons on how a recommender forgets</h1>
<p>Each takes ten to twenty minutes with the page open: first everybody predicts, then does, then sees. “Next student” resets a lesson. Nothing is installed and nothing is sent anywhere.</p>
<nav><ol>${LESSONS.map((text) => `<li><a href="#${text.id}">${safe(text.title)}</a></li>`).join("")}</ol></nav>
${WORKSHOPS.map(({ minutes, plan }) => `<section class="plan"><h2>Workshop, ${minutes} minutes</h2><table><tbody>${plan.map(([part, what]) => `<tr><th scope="row">${part} min</th><td>${safe(what)}</td></tr>`).join("")}</tbody></table></section>`).join("")}
${LESSONS.map((text, i) => lesson(text, i + 1)).join("")}
<section class="answers" id="answers">
<h2>Answers</h2>
<dl>${LESSONS.map((text, i) => `<dt>${i + 1}. ${safe(text.title)}</dt><dd><b>${"ABC"[text.predict.answer]}.</b> ${safe(text.answer)}</dd>`).join("")}</dl>
</section>
</main>
</body>
</html>
`;
