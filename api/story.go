package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"
)

// StoryStep is a step of the demo's story, as the page shows it.
type StoryStep struct {
	Name   string            `json:"name"`
	Title  string            `json:"title"`
	Titles map[string]string `json:"titles,omitempty" doc:"in every language, by its code; title is the English one"`
	State  string            `json:"state" enum:"played,waiting,not-built"`
	// What it left, where that can be looked at.
	Links []StoryLink `json:"links"`
}

// StoryLink leads from a step to what it left.
type StoryLink struct {
	Kind string `json:"kind" enum:"wallet,receipt,refusal,history,contract,supply,log,notes,purses,trail"`
	Role string `json:"role,omitempty" doc:"whose page it is, as the lists of demo roles name it; absent for all"`
	Path string `json:"path" doc:"of the page at this node"`
}

// registerStory serves the steps of the demo; elsewhere there are none.
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
