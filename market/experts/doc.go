// Package experts joins the scores that several experts gave systems by
// criteria: how far they agree (Krippendorff's alpha), how the systems rank,
// and how much of the ranking hangs on the weights of the criteria. It imports
// market.
package experts
