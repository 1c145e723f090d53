// Package chart draws the charts of our reports as inline SVG: lines, bands,
// histograms and tornadoes, without scripts and without anything from the network.
//
// It takes numbers and words that are ready to be shown, and imports only the
// standard library. Colours come from the page's style sheet through the classes
// l0, l1, …, area, bar, grid, up and down, so that a dark page needs no second drawing.
package chart
