package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"
)

// StoryStep is a step of the demo's story, as the page shows it.
type StoryStep struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	State string `json:"state" enum:"played,waiting,not-built"`
}

func (s *Server) registerStory() {
	huma.Register(s.api, operation("get-story", "/v1/story", "How far the demo's story is", byAnybody),
		func(context.Context, *struct{}) (*answer[[]StoryStep], error) {
			steps := []StoryStep{}
			if s.options.Story != nil {
				steps = s.options.Story()
			}
			return ok(steps, nil)
		})
}
