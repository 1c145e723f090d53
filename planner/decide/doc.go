// Package decide finds the best combination on a grid: one option of each group, within
// resources, for mean − λ·CVaR₅ of the outcome after profit tax.
//
// The outcome along a path is a sum of units less a tax on the running maximum of
// cumulative profit (losses are carried forward), so that it is concave in what is chosen;
// mean − λ·CVaR₅ of concave outcomes is concave too. Its supergradient at any choice
// bounds it everywhere (Kelley's cut), and branch and bound over the cuts is exact: it ends
// when no open node can be better, or else says how far off it may be. Where a tax rises from a
// year to the next its cuts are those of a lower tax that does not: looser, and above all the same.
//
// It knows nothing of farms. Floats; results do not depend on the number of processors.
package decide
