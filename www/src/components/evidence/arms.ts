/** The models that are compared, in the order and with the colours they have everywhere. */
export const ARMS = [
  { name: "original", label: "Original", short: "original", colour: "var(--arm-original)" },
  { name: "unlearned", label: "Unlearned", short: "unlearned", colour: "var(--arm-unlearned)" },
  { name: "retrained", label: "Retrained from scratch", short: "retrained", colour: "var(--arm-retrained)" },
] as const;
