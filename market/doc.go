// Package market measures digital currencies: it reads price, network and
// concentration data, says where every figure came from, and checks it before
// anything is computed. Its sub-packages estimate volatility, risk,
// concentration, use and the functions of money, and check a published paper's
// numbers one by one.
//
// It may import money, params and txlog; the ledger and the mining line know
// nothing of it. Invariants: a missing cell is NaN and prints "not available",
// never 0; a table carries its file's SHA-256, origin, units and time zone;
// nothing is repaired unless asked, and a repair is recorded.
package market
