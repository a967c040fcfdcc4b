package slack

// Again makes the workspace once more, as after a change of the configuration.
func (w *Workspace) Again() *Workspace {
	again, err := NewWorkspace(w.c)
	if err != nil {
		panic(err)
	}
	return again
}
