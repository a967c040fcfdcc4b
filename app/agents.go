package app

import (
	"net/http"

	"toban/alert/intake"
	"toban/detect/agent"
	"toban/internal/problem"
)

// agents answers who asks from other locations: `toban agent`, and a Prometheus
// with a blackbox-exporter of somebody's own.
func (a *App) agents(in *intake.Intake) http.Handler {
	door := agent.NewDoor(agent.DoorOptions{
		Admit: in.Admit, Monitors: a.monitors, Append: a.metrics.Append, Log: a.log.With("component", "agents"),
		Held: func() bool { return a.node.Fenced() || a.db.Overloaded() },
	})
	mux := http.NewServeMux()
	door.Routes(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { problem.Write(w, r, a.log, errNoPage) })
	return mux
}
