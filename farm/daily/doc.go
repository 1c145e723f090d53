// Package daily says what an operator needs: in the morning what was lost since yesterday and which
// machines to visit, and for a month where every terahash went.
//
// It imports farm/records and farm/usage for the account, internal/chart for pictures and txlog/seal to
// seal months. Figures on a page are rounded from exact sums; a page with simulated machines says so.
package daily
