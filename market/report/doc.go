// Package report puts the studies of one currency into one document: HTML that
// opens offline, Markdown, CSV, JSON and Parquet, in English, Kazakh and
// Russian. Every figure names file hash, window, formula and version, and the
// same input gives the same bytes.
//
// A report can be sealed: an entry of a txlog holds the hashes of its inputs,
// its options and its figures, under a signed checkpoint, so that anybody with
// the inputs can re-derive it. It imports the market packages and txlog.
package report
