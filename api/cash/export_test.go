package cash

// Routes are the patterns that are served.
func (s *Server) Routes() []string { return s.routes }
