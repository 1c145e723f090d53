// Package breaks dates when a series changed: its variance (Inclán and Tiao
// 1994; Sansó, Aragó and Carrion 2004), its mean (Bai and Perron 1998, 2003), or
// its growth, from a random walk to an explosive path and back (Phillips, Shi
// and Yu 2015).
//
// Indices of a break are those of the first observation after it. It belongs to
// market and imports market and stats. Invariant: breaks are sorted, inside the
// series, and the same for the same input.
package breaks
