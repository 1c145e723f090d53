package intake

// Sources is how many sources are kept.
func (q *Queue[T]) Sources() int { return len(q.sources) }
