package slack

import (
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"
)

// triggerLife is how long a trigger_id opens a view.
const triggerLife = 3 * time.Second

// trigger is the right to open one view for somebody.
type trigger struct {
	user string
	at   time.Time
	used bool
}

// newTrigger makes a trigger_id. s.mu is held.
func (s *Server) newTrigger(user string) string {
	for id, t := range s.triggers { // what is past is forgotten after a while
		if time.Since(t.at) > 100*triggerLife {
			delete(s.triggers, id)
		}
	}
	s.sequence++
	id := fmt.Sprintf("%d.%d.%s", time.Now().UnixMilli(), s.sequence, newSecret()[:32])
	s.triggers[id] = &trigger{user: user, at: time.Now()}
	return id
}

// View is a modal that the app has opened for somebody.
type View struct {
	ID   string          `json:"id"`
	User string          `json:"user"`
	At   time.Time       `json:"at"`
	View json.RawMessage `json:"view"` // as it was sent
}

// Views returns the modals that were opened, oldest first.
func (s *Server) Views() []View {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]View(nil), s.views...)
}

const (
	maxView      = 250 << 10 // bytes
	maxViewTitle = 24
	maxViews     = 1000
)

func (s *Server) viewsOpen(r *request) result {
	t, known := s.triggers[r.text("trigger_id")]
	v, present, err := r.document("view")
	view, isObject := v.(map[string]any)
	switch {
	case !r.has("trigger_id"):
		return missing("trigger_id")
	case !present:
		return missing("view")
	case err != nil || !isObject:
		return refuseBecause("invalid_arguments", "[ERROR] must provide an object [json-pointer:/view]")
	case !known:
		return refuse("invalid_trigger_id")
	case t.used:
		return refuse("exchanged_trigger_id")
	case time.Since(t.at) > triggerLife:
		return refuse("expired_trigger_id")
	}
	if problems := s.checkView(view); len(problems) > 0 {
		return refuseBecause("invalid_arguments", problems...)
	}
	raw, err := json.Marshal(view)
	if err != nil || len(raw) > maxView {
		return refuse("view_too_large")
	}
	t.used = true
	made := View{ID: s.newID("V"), User: t.user, At: time.Now(), View: raw}
	s.views = append(s.views, made)
	if len(s.views) > maxViews {
		s.views = s.views[1:]
	}
	view["id"], view["team_id"], view["app_id"], view["bot_id"] = made.ID, s.options.Team.ID, s.options.AppID, s.options.Bot.BotID
	view["hash"], view["root_view_id"] = fmt.Sprintf("%d.sim", made.At.Unix()), made.ID
	view["state"] = map[string]any{"values": map[string]any{}}
	return fine(result{"view": view})
}

// checkView says what is wrong with a modal's frame; what is in it is kept as
// it comes.
func (s *Server) checkView(view map[string]any) (problems []string) {
	bad := func(at, text string) { problems = append(problems, "[ERROR] "+text+" [json-pointer:/view"+at+"]") }
	if view["type"] != "modal" {
		bad("/type", "unsupported type")
	}
	for _, name := range []string{"title", "submit", "close"} {
		v, ok := view[name]
		if !ok && name == "title" {
			bad("", "missing required field: title")
		}
		if ok && (wordsOf(v) == "" || utf8.RuneCountInString(wordsOf(v)) > maxViewTitle) {
			bad("/"+name+"/text", fmt.Sprintf("must be less than %d characters", maxViewTitle+1))
		}
	}
	if list, ok := view["blocks"].([]any); !ok {
		bad("", "missing required field: blocks")
	} else if len(list) > 100 {
		bad("/blocks", "no more than 100 items allowed")
	}
	return problems
}
