package api

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"toban/config/edit"
	"toban/oncall"
	"toban/store"
)

// User is somebody who can be on duty.
type User struct {
	Name      string            `json:"name"`
	Title     string            `json:"title,omitempty" doc:"as people say it"`
	Language  string            `json:"language,omitempty" doc:"the installation's when left out"`
	Zone      string            `json:"zone,omitempty" doc:"the installation's when left out"`
	Contacts  []Contact         `json:"contacts"`
	Rules     map[string][]Rule `json:"rules" doc:"how the user wants to be reached, by urgency"`
	Reachable bool              `json:"reachable" doc:"has a verified contact"`
	Place     string            `json:"place,omitempty" doc:"file and line that manage it"`
}

// Contact is one way to reach a user.
type Contact struct {
	Name     string `json:"name"`
	Method   string `json:"method" enum:"call,sms,slack,push,email"`
	Address  string `json:"address" doc:"masked"`
	Verified bool   `json:"verified"`
}

// Rule is one step of how a user wants to be reached.
type Rule struct {
	After float64  `json:"after" doc:"seconds after the page began"`
	Via   []string `json:"via" doc:"names of contacts"`
}

// UserList is one page of users.
type UserList struct {
	Users      []User `json:"users"`
	NextCursor string `json:"next_cursor,omitempty"`
}

func (a *API) users(h huma.API) {
	register(a, h, huma.Operation{
		OperationID: "list-users", Method: http.MethodGet, Path: "/api/v1/users", Tags: []string{tagConfiguration}, Errors: []int{400},
		Summary: "List users by name", Description: "Addresses are masked: enough to tell one from another, too little to use it.",
	}, func(ctx context.Context, in *Paged) (*struct{ Body UserList }, error) {
		dir, at, err := a.configured(ctx, store.ObjectUser)
		if err != nil {
			return nil, err
		}
		ids := slices.Sorted(maps.Keys(dir.Users))
		part, next, err := page(ids, *in, func(id *oncall.UserID) string { return string(*id) })
		if err != nil {
			return nil, err
		}
		out := &struct{ Body UserList }{UserList{Users: []User{}, NextCursor: next}}
		for _, id := range part {
			out.Body.Users = append(out.Body.Users, wireUser(dir.Users[id], at[string(id)]))
		}
		return out, nil
	})
	register(a, h, huma.Operation{
		OperationID: "get-user", Method: http.MethodGet, Path: "/api/v1/users/{name}", Tags: []string{tagConfiguration}, Errors: []int{404},
		Summary: "One user", Description: "With contacts and notification rules; addresses are masked.",
	}, func(ctx context.Context, in *Named) (*struct{ Body User }, error) {
		dir, at, err := a.configured(ctx, store.ObjectUser)
		if err != nil {
			return nil, err
		}
		u := dir.Users[oncall.UserID(in.Name)]
		if u == nil {
			return nil, unknown("user", in.Name)
		}
		return &struct{ Body User }{wireUser(u, at[in.Name])}, nil
	})
}

func wireUser(u *oncall.User, place string) User {
	out := User{
		Name: string(u.ID), Title: u.Name, Language: u.Language, Zone: u.Zone, Contacts: []Contact{}, Rules: map[string][]Rule{},
		Reachable: u.Reachable(), Place: place,
	}
	for _, c := range u.Contacts {
		out.Contacts = append(out.Contacts, Contact{Name: c.Name, Method: string(c.Method), Address: edit.Masked(c), Verified: c.Verified})
	}
	for urgency, rules := range u.Rules {
		list := []Rule{}
		for _, r := range rules {
			list = append(list, Rule{After: r.After.Seconds(), Via: append([]string{}, r.Via...)})
		}
		out.Rules[string(urgency)] = list
	}
	return out
}
