/** The models that are compared, in the order and with the colours they have everywhere. */
export const PIPELINES = [
  { name: "original", label: "Original", short: "original", colour: "var(--pipeline-original)" },
  { name: "unlearned", label: "Unlearned", short: "unlearned", colour: "var(--pipeline-unlearned)" },
  { name: "retrained", label: "Retrained from scratch", short: "retrained", colour: "var(--pipeline-retrained)" },
] as const;
