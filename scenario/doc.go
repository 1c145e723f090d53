// Package scenario tells the one story of Aqsha: a month of one mining farm,
// kilowatt-hours → hashes → coins → tenge → tax → budget. Each line plugs its
// steps in; the demo plays them in order, and the page shows those not built yet greyed.
//
// It is a face: it may import every line, and only cmd/aqsha imports it.
package scenario
