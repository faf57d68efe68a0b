/** What a first visit shows, as a link: the division that leaves nothing behind, on the sample with named people. */
export const START = "#v1&data=sample:medium&partition.anchors=0.4&partition.method=anchored";
