package scenario

import (
	"context"
	"fmt"
	"io"
)

// Step is one beat of the story.
type Step struct {
	Name  string // stable, lower-case, hyphens: "issue", "pool-block"
	Title string // what happens, as the reader sees it
	// Play does it and says what it proves. Nil: not built yet, shown greyed.
	// A step that was played in an earlier run of the same data directory is not played again.
	Play func(ctx context.Context, w *World) error
}

// World is what the steps share. A line keeps its own handle here as a field of its own type.
type World struct {
	DataDir string    // the story's data directory; each line uses a folder of its own below it
	Out     io.Writer // where the story is told
}

// Say tells one line of the story.
func (w *World) Say(format string, args ...any) {
	fmt.Fprintf(w.Out, "   "+format+"\n", args...)
}

// Play tells the steps in order, skipping those that done reports, and calls played after each.
func Play(ctx context.Context, w *World, steps []Step, done func(name string) bool, played func(name string) error) error {
	for i, step := range steps {
		if step.Play == nil || done(step.Name) {
			continue
		}
		fmt.Fprintf(w.Out, "%2d. %s\n", i+1, step.Title)
		if err := step.Play(ctx, w); err != nil {
			return fmt.Errorf("step %s: %w", step.Name, err)
		}
		if err := played(step.Name); err != nil {
			return fmt.Errorf("step %s: recording it: %w", step.Name, err)
		}
	}
	return nil
}
