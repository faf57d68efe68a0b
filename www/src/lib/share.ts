/** What is handed to somebody else: links, code for another page, code that repeats a run, a card with what came out. */
import { hero } from "../components/story/hero";
import { lab } from "../stores/lab.svelte";
import { settings } from "../stores/settings.svelte";
import { ui, type Phase } from "../stores/ui.svelte";
import { count, percent, seconds, short } from "./format";
import type { Json } from "../client";
import { writeLink } from "./link";

/** Parts of the page that a teacher can leave out. */
export const PARTS: readonly { part: string; label: string }[] = [
  { part: "knobs", label: "settings" }, { part: "evidence", label: "evidence" }, { part: "ledger", label: "ledger of runs" }, { part: "article", label: "article" },
];

const here = () => location.origin + location.pathname;
const hash = (hide: readonly string[], lesson: string | null) => writeLink({ settings: settings.changed, data: settings.data, hide: [...hide], lesson });
export const linkTo = (hide: readonly string[] = settings.hide, lesson: string | null = settings.lesson): string => here() + hash(hide, lesson);

export function embedCode(phase: Phase, height = 760): string {
  const address = `${here()}?embed=${phase}${hash([], null)}`.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
  return `<iframe src="${address}" title="ultrare: ${phase}" width="100%" height="${height}" style="border:0"></iframe>`;
}

/** The run as it stands, for other places; the ids of a request are in it, the rows are not. */
export function snippets(): { label: string; code: string }[] {
  const seed = Number(settings.value("seed") ?? 0);
  const sample = settings.data?.startsWith("sample:") ? settings.data.slice(7) : null;
  const file = settings.data?.startsWith("file:") ? settings.data.slice(5) : "ratings.csv";
  const users = lab.requested;
  const asked = settings.asked();
  const patch = JSON.stringify(asked, null, 2);
  const forget = users.length ? `\nawait session.forget({ users: ${JSON.stringify(users)} });\nconst { twin } = await session.twin();       // stage by stage: equal, or which is not` : "";
  const load = sample ? `await session.loadSample("${sample}", ${seed});` : `await session.load({ data: file });            // ${file}`;
  const knobs = settings.changed;
  const flags = [
    sample ? `--sample ${sample}` : `--data ${quote(file)}`, `--seed ${seed}`,
    ...(knobs["partition.method"] !== undefined ? [`--partition ${knobs["partition.method"]}`] : []),
    ...(knobs["partition.shards"] !== undefined ? [`--shards ${knobs["partition.shards"]}`] : []),
    ...(knobs["partition.anchors"] !== undefined ? [`--anchors ${Math.round(100 * Number(knobs["partition.anchors"]))}%`] : []),
    ...(knobs["partition.balance"] !== undefined ? [`--balance ${knobs["partition.balance"]}`] : []),
    ...(knobs["model.name"] !== undefined ? [`--model ${knobs["model.name"]}`] : []),
    ...(knobs["combine.method"] !== undefined ? [`--combine ${knobs["combine.method"]}`] : []),
    ...(users.length ? [`--forget users:${quote(users.join(","))}`, "--drift"] : []),
  ];
  const known = ["partition.method", "partition.shards", "partition.anchors", "partition.balance", "model.name", "combine.method", "seed"];
  const left = Object.keys(knobs).filter((path) => !known.includes(path));
  const note = left.length ? `# also set by hand: ${left.join(", ")}\n` : "";
  const { seed: _, ...changed } = asked;
  const size = sample ? sample.charAt(0).toUpperCase() + sample.slice(1) : "";
  return [
    { label: "Command line", code: `${note}ultrare run ${flags.join(" \\\n  ")} --json run.json` },
    { label: "TypeScript", code: `import { open } from "ultrare";\n\nconst session = await open();\n${load}\nawait session.configure(${patch});\nconst run = await session.build();${forget}\nsession.close();` },
    {
      label: "Python",
      code: [
        "import ultrare\n", sample ? `rows = ultrare.sample(${seed}, ${JSON.stringify(sample)})` : `rows = ultrare.read(${JSON.stringify(file)})`,
        `recommender = ultrare.fit(rows, ultrare.settings(${python(changed)}, seed=${seed}))`,
        ...(users.length ? [`receipt = recommender.apply(recommender.plan(forget_users=${JSON.stringify(users)}).accept())`, 'assert receipt.verify(rows)["ok"]              # trains again and compares every digest'] : []),
        "print(recommender.digest)",
      ].join("\n"),
    },
    {
      label: "Rust",
      code: [
        `use ultrare::experiment::{Activity, Experiment${sample ? "" : ", Loaded"}};`, ...(sample ? ["use ultrare::interactions::Size;"] : []), "use ultrare::pipeline::{Runner, Stage};",
        ...(users.length ? ["use ultrare::unlearn::{Change, Mode};"] : []), "",
        "let mut experiment = Experiment::new();",
        sample ? `experiment.load_sample(Size::${size}, ${seed})?;` : `let rows = ultrare::read(${JSON.stringify(file)})?.interactions().clone();\nexperiment.load(Loaded { rows, ..Loaded::default() })?;`,
        `experiment.configure(serde_json::from_str(r#"${JSON.stringify({ ...changed, seed }, null, 2)}"#)?)?;`,
        "experiment.begin(Activity::Build { until: Stage::Evaluate })?;", "experiment.drive(&Runner::new())?;",
        ...(users.length ? [`let change = Change::forget_users(${JSON.stringify(users)});`, "experiment.begin(Activity::Change { change, mode: Mode::Frozen })?;", "experiment.drive(&Runner::new())?;"] : []),
        'println!("{:?}", experiment.snapshot().digests);',
      ].join("\n"),
    },
  ];
}

/** Settings as Python writes them. */
function python(value: Json): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  return `{${Object.entries(value).map(([key, inside]) => `${JSON.stringify(key)}: ${python(inside)}`).join(", ")}}`;
}

const quote = (text: string) => (/^[\w.,:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** A picture of what came out: the sentence, the figures, the digest, the link. */
export function card(): Promise<Blob | null> {
  const [W, H, M] = [1200, 630, 64];
  const canvas = Object.assign(document.createElement("canvas"), { width: W, height: H });
  const pen = canvas.getContext("2d")!;
  const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  pen.fillStyle = colour("--surface");
  pen.fillRect(0, 0, W, H);
  pen.fillStyle = colour("--accent");
  pen.fillRect(0, 0, 12, H);
  pen.font = "700 26px sans-serif";
  pen.fillText("ultrare", M, 76);
  pen.fillStyle = colour("--ink");
  pen.font = "600 52px Georgia, serif";
  let y = write(pen, hero(ui.view), M, 168, W - 2 * M, 62);
  const s = lab.snapshot;
  const twin = s?.twin ?? [];
  const again = s?.work.twin ?? s?.work.built;
  const ndcg = s?.results.unlearned?.metrics["ndcg@20"] ?? s?.results.original?.metrics["ndcg@20"];
  const lines = [
    ...(s?.change && again ? [`${count(s.work.changed.rows)} of ${count(again.rows)} rows trained again (${percent(s.work.changed.rows / Math.max(1, again.rows))}), ${seconds(s.work.changed.seconds)} of computing`] : []),
    ...(twin.length ? [`${twin.filter((stage) => stage.equal).length} of ${twin.length} stages equal a run that never held what was forgotten`] : []),
    ...(ndcg ? [`NDCG@20 ${ndcg.mean.toFixed(3)} (95% ${ndcg.low.toFixed(3)} to ${ndcg.high.toFixed(3)})`] : []),
    `${lab.dataName}; ${s?.partition?.method ?? ""}, ${s?.partition?.shards ?? 0} shards; seed ${s?.settings.seed ?? 0}`,
    `ensemble ${short(s?.digests.ensemble_after ?? s?.digests.ensemble_before)}`,
  ];
  pen.font = "26px sans-serif";
  pen.fillStyle = colour("--ink-2");
  y += 24;
  for (const line of lines) y = write(pen, line, M, y, W - 2 * M, 38);
  pen.font = "18px monospace";
  pen.fillStyle = colour("--ink-3");
  write(pen, linkTo([], null), M, H - 60, W - 2 * M, 24);
  return new Promise((done) => canvas.toBlob(done));
}

/** Words broken into lines; gives where the next line would begin. A word that is too long is cut. */
function write(pen: CanvasRenderingContext2D, text: string, x: number, y: number, width: number, step: number): number {
  let line = "";
  for (const word of text.match(/\S{1,90}\s*/g) ?? []) {
    if (line && pen.measureText(line + word).width > width) {
      pen.fillText(line, x, y);
      [line, y] = [word, y + step];
    } else line += word;
  }
  pen.fillText(line, x, y);
  return y + step;
}
