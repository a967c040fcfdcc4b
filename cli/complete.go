package cli

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"toban/api"
)

// names asks a running toban for words that complete an argument: each a word,
// a tab and what it is.
type names func(ctx context.Context, e *env) ([]string, error)

// completeWithin is how long a shell waits after TAB.
const completeWithin = 2 * time.Second

// lookUp is how names are completed; without an answer nothing is.
func (e *env) lookUp(cmd *cobra.Command, ask names) ([]string, cobra.ShellCompDirective) {
	ctx := cmd.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, completeWithin)
	defer cancel()
	words, err := ask(ctx, e)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

// arguments completes the arguments of a command in their order; the last one
// for all that follow. nil completes nothing.
func (e *env) arguments(cmd *cobra.Command, order ...names) {
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		ask := order[min(len(args), len(order)-1)]
		if ask == nil || len(args) >= len(order) && len(order) == 1 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return e.lookUp(cmd, ask)
	}
}

// complete completes the value of a flag.
func (e *env) complete(cmd *cobra.Command, flag string, ask names) {
	_ = cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return e.lookUp(cmd, ask)
	}) // fails only for a flag that does not exist
}

func completeWords(cmd *cobra.Command, flag string, words ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)) // as above
}

func word(name, what string) string {
	if what == "" || what == name {
		return name
	}
	return name + "\t" + what
}

func incidentNumbers(ctx context.Context, e *env) (words []string, err error) {
	list, err := e.incidents(ctx, 50, "state", "open")
	for _, inc := range list {
		words = append(words, word(fmt.Sprint(inc.Number), inc.Service+": "+inc.Title))
	}
	return words, err
}

func serviceNames(ctx context.Context, e *env) (words []string, err error) {
	var out api.ServiceList
	err = e.call(ctx, http.MethodGet, "/api/v1/services", nil, &out)
	for _, s := range out.Services {
		words = append(words, word(s.Name, s.Title))
	}
	return words, err
}

func userNames(ctx context.Context, e *env) (words []string, err error) {
	var out api.UserList
	err = e.call(ctx, http.MethodGet, "/api/v1/users", nil, &out)
	for _, u := range out.Users {
		words = append(words, word(u.Name, u.Title))
	}
	return words, err
}

func scheduleNames(ctx context.Context, e *env) (words []string, err error) {
	var out api.ScheduleList
	err = e.call(ctx, http.MethodGet, "/api/v1/schedules", nil, &out)
	for _, s := range out.Schedules {
		words = append(words, s.Name)
	}
	return words, err
}

func policyNames(ctx context.Context, e *env) (words []string, err error) {
	var out api.PolicyList
	err = e.call(ctx, http.MethodGet, "/api/v1/policies", nil, &out)
	for _, p := range out.Policies {
		words = append(words, word(p.Name, p.Title))
	}
	return words, err
}

func monitorNames(ctx context.Context, e *env) (words []string, err error) {
	var out api.MonitorList
	err = e.call(ctx, http.MethodGet, "/api/v1/monitors", nil, &out)
	for _, m := range out.Monitors {
		words = append(words, word(m.Name, m.Title))
	}
	return words, err
}

func integrationNames(ctx context.Context, e *env) (words []string, err error) {
	var out api.IntegrationList
	err = e.call(ctx, http.MethodGet, "/api/v1/integrations", nil, &out)
	for _, i := range out.Integrations {
		words = append(words, word(i.Name, i.Dialect))
	}
	return words, err
}

func overrideIDs(ctx context.Context, e *env) (words []string, err error) {
	var out api.OverrideList
	err = e.call(ctx, http.MethodGet, "/api/v1/overrides", nil, &out)
	for _, o := range out.Overrides {
		words = append(words, word(o.ID, o.Schedule+": "+o.User))
	}
	return words, err
}

func tokenHashes(ctx context.Context, e *env) (words []string, err error) {
	var out api.TokenList
	err = e.call(ctx, http.MethodGet, "/api/v1/tokens", nil, &out)
	for _, t := range out.Tokens {
		if t.RevokedAt == nil {
			words = append(words, word(t.Hash[:min(len(t.Hash), 12)], t.Name+" ("+t.Role+")"))
		}
	}
	return words, err
}

// pages reads a list to its end, a page after the other.
func pages[P, T any](ctx context.Context, e *env, path string, of func(*P) (part []T, next string)) ([]T, error) {
	return pagesUpTo(ctx, e, path, 0, of)
}

// pagesUpTo is pages for at most so many; zero = all.
func pagesUpTo[P, T any](ctx context.Context, e *env, path string, most int, of func(*P) (part []T, next string)) ([]T, error) {
	all := []T{}
	for cursor := ""; ; {
		page := new(P)
		if err := e.call(ctx, http.MethodGet, further(path, cursor), nil, page); err != nil {
			return nil, err
		}
		part, next := of(page)
		all = append(all, part...)
		if most > 0 && len(all) >= most {
			return all[:most], nil
		}
		if cursor = next; cursor == "" {
			return all, nil
		}
	}
}
