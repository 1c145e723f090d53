// Package finance judges a row of cash flows: net present value, every internal
// rate of return, payback, value at risk and shortfall of many outcomes.
//
// The first flow is now, each further one a period later, as in a spreadsheet's
// flow₀ + NPV(rate, flow₁…). It belongs to the farm's planner and imports only
// money and the standard library.
//
// Invariants: the present value of flows in tiyn is exact until its one rounding
// to the tiyn; the roots of the internal rate are counted exactly (Sturm), so that
// a second one is never overlooked.
package finance
