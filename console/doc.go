// Package console holds the pages that people use in a browser: the wallet. They are written in console/ui and built by
// make; what was built is embedded. A program that was built without them says on the page how they are built.
//
// It imports the standard library alone. Invariants:
//   - No page loads anything from elsewhere, and no script or style stands within a page: the headers forbid it.
//   - A file whose name carries its hash never changes, and is kept by browsers; a page is asked for again each time.
package console
