// Orders what the search of the site finds. A heading that has all that was typed, such as an error code, comes before
// pages that have the words somewhere. All numbers but the first are the search's own.
const HEADING = 100;
var Scorer = {
  score: ([page, title, anchor, text, score, file, kind]) => (kind === "title" ? score + HEADING : score),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
