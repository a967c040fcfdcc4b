package twilio

// AddPerson shows a phone on the page, or says whose it is. It goes on with what
// it is doing.
func (s *Server) AddPerson(p Person) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handset(p.Number).person = p
	s.touch()
}
