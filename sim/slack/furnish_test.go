package slack

import "testing"

func TestAMemberWithoutAnIdHasAlwaysTheSameOne(t *testing.T) {
	t.Parallel()
	s := New(Options{Users: []User{{Name: "matsu", Email: "matsu@example.jp"}, {Name: "take"}}})
	defer s.Close()
	s.AddUser(User{Name: "matsu", Email: "new@example.jp"})
	ids := map[string]string{}
	for _, u := range s.Users() {
		if u.ID == "" || ids[u.ID] != "" {
			t.Errorf("%s has the id %q, which is none of its own", u.Name, u.ID)
		}
		ids[u.ID] = u.Name
		if u.Name == "matsu" && u.Email != "new@example.jp" {
			t.Errorf("matsu's mail address is %s, want the newer one", u.Email)
		}
	}
}

func TestChannelsAndGroupsAreAddedOnce(t *testing.T) {
	t.Parallel()
	s := New(Options{Channels: []Channel{{Name: "alerts"}}})
	defer s.Close()
	for range 2 {
		s.AddChannel(Channel{Name: "alerts"})
		s.AddChannel(Channel{ID: "C0123", Name: "c0123"})
		s.AddGroup(Group{Handle: "oncall-infra"})
	}
	if got := len(s.Channels()); got != 2 {
		t.Errorf("got %d channels, want 2", got)
	}
	if got := s.GroupMembers("oncall-infra"); len(got) != 0 {
		t.Errorf("a new group has the members %v", got)
	}
}
