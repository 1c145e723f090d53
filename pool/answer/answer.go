// Package answer writes answers of the pool's HTTP interfaces.
package answer

import (
	"encoding/json"
	"net/http"

	"github.com/aqsha/aqsha/internal/errtext"
)

// Problem answers with an error (RFC 9457).
func Problem(w http.ResponseWriter, status int, code, title string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"title": errtext.Plain(title), "status": status, "code": code})
}

// JSON answers with a value.
func JSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}
