// Package concentration measures how unequally something is spread: blocks
// over pools, hash rate over countries, coins over holders. Counts stay exact
// integers, because a floating sum of exact halves gives a Nakamoto number
// that is one too small. Where only points of the Lorenz curve are known it
// gives the sharp bounds between which every measure must lie.
//
// It imports only market. Invariants: every measure is unchanged when all
// amounts are multiplied; HHI lies in [10⁴/n, 10⁴], Gini in [0, 1−1/n].
package concentration
