package incident_test

import (
	"testing"

	"toban/oncall"
	"toban/store"

	"github.com/google/go-cmp/cmp"
)

// replayed checks that the timeline of an incident tells its whole story: played
// again, it ends where the stored response stands.
func replayed(t *testing.T, h *house, id oncall.IncidentID) {
	t.Helper()
	inc, stored, timeline := h.Incident(id), h.Response(id), h.Timeline(id)
	first := timeline[0]
	if first.Kind != oncall.EntryTriggered {
		t.Fatalf("first entry of %s = %s, want triggered", id, first.Kind)
	}
	var start oncall.Response
	snapshots := map[string]*oncall.Policy{}
	err := h.DB.Read(t.Context(), func(tx *store.Tx) error {
		dir, err := tx.Directory(t.Context())
		if err != nil {
			return err
		}
		p := dir.Policies[dir.Service(inc.Service).Policy]
		start = oncall.NewResponse(&oncall.Incident{
			ID: id, Service: inc.Service, Epoch: 1, Urgency: first.Data.Urgency, TriggeredAt: inc.TriggeredAt,
		}, p.Revision)
		for _, p := range dir.Policies {
			snapshots[p.Revision] = p
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got := oncall.Replay(start, timeline, func(hash string) *oncall.Policy { return snapshots[hash] })
	if diff := cmp.Diff(stored.Response, got); diff != "" {
		t.Errorf("%s replayed differs from what is stored (-stored +replayed):\n%s\n%v", id, diff, kinds(timeline))
	}
}
