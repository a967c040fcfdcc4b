package slack_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	sdk "github.com/slack-go/slack"

	"toban/sim/slack"
)

// TestTheVendorsClientUnderstandsEveryMethod calls each through slack-go and
// looks at what came of it.
func TestTheVendorsClientUnderstandsEveryMethod(t *testing.T) {
	t.Parallel()
	for method, do := range map[string]func(t *testing.T, w *world) (got, want any){
		"auth.test": func(t *testing.T, w *world) (any, any) {
			r, err := w.api.AuthTest()
			must(t, err)
			return []string{r.URL, r.Team, r.TeamID, r.UserID, r.BotID, firstOf(r.Header.Get("X-Oauth-Scopes"))},
				[]string{"https://maneki.slack.com/", "まねき商店", "T0CORP", bot, "B0SIMBOT", "chat:write"}
		},
		"chat.postMessage": func(t *testing.T, w *world) (any, any) {
			channel, ts, m, err := w.api.PostMessageWithResponse("team-checkout", sdk.MsgOptionText("x", false), sdk.MsgOptionBlocks(buttons()...),
				sdk.MsgOptionAttachments(sdk.Attachment{Color: "danger", Text: "y"}))
			must(t, err)
			return []any{channel, m.Timestamp == ts, m.User, len(m.Blocks.BlockSet), m.Blocks.BlockSet[2].ID()}, []any{team, true, bot, 4, "inc:#482"}
		},
		"chat.postMessage to a person": func(t *testing.T, w *world) (any, any) {
			channel, _, err := w.api.PostMessage(take, sdk.MsgOptionText("x", false))
			must(t, err)
			c, _ := w.Channel(channel)
			return c.Members, []string{bot, take}
		},
		"chat.update": func(t *testing.T, w *world) (any, any) {
			_, _, _, err := w.api.UpdateMessage(team, w.post(t, team), sdk.MsgOptionText("took", false))
			must(t, err)
			m := w.Messages(team)[0]
			return []any{m.Text, m.Edits, len(m.Blocks), m.Metadata != nil}, []any{"took", 1, 0, true}
		},
		"chat.update of the blocks alone": func(t *testing.T, w *world) (any, any) {
			_, _, _, err := w.api.UpdateMessage(team, w.post(t, team), sdk.MsgOptionBlocks(sdk.NewDividerBlock()))
			must(t, err)
			m := w.Messages(team)[0]
			return []any{m.Text, m.EditedTS, strings.Contains(string(m.Blocks), "divider")}, []any{"#482 決済 API エラー率", "", true}
		},
		"chat.postEphemeral": func(t *testing.T, w *world) (any, any) {
			ts, err := w.api.PostEphemeral(team, matsu, sdk.MsgOptionText("only you", false))
			must(t, err)
			m := w.Ephemerals(team, matsu)
			return []any{m[0].TS == ts, m[0].Text, len(w.Messages(team))}, []any{true, "only you", 0}
		},
		"chat.delete": func(t *testing.T, w *world) (any, any) {
			_, _, err := w.api.DeleteMessage(team, w.post(t, team))
			must(t, err)
			return len(w.Messages(team)), 0
		},
		"chat.getPermalink": func(t *testing.T, w *world) (any, any) {
			ts := w.post(t, team)
			link, err := w.api.GetPermalink(&sdk.PermalinkParameters{Channel: team, Ts: ts})
			must(t, err)
			return link, "https://maneki.slack.com/archives/C0TEAM/p" + strings.ReplaceAll(ts, ".", "")
		},
		"conversations.create": func(t *testing.T, w *world) (any, any) {
			c, err := w.api.CreateConversation(sdk.CreateConversationParams{ChannelName: "inc-482-決済"})
			must(t, err)
			have, _ := w.Channel("inc-482-決済")
			return []any{c.ID == have.ID, c.Name, c.IsMember, have.Members, have.Creator}, []any{true, "inc-482-決済", true, []string{bot}, bot}
		},
		"conversations.create private": func(t *testing.T, w *world) (any, any) {
			c, err := w.api.CreateConversation(sdk.CreateConversationParams{ChannelName: "p", IsPrivate: true})
			must(t, err)
			return c.IsPrivate, true
		},
		"conversations.invite": func(t *testing.T, w *world) (any, any) {
			c, err := w.api.InviteUsersToConversation(team, take)
			must(t, err)
			have, _ := w.Channel(team)
			return []any{c.ID, have.Members}, []any{team, []string{bot, matsu, take}}
		},
		"conversations.kick": func(t *testing.T, w *world) (any, any) {
			must(t, w.api.KickUserFromConversation(team, matsu))
			have, _ := w.Channel(team)
			return have.Members, []string{bot}
		},
		"conversations.leave": func(t *testing.T, w *world) (any, any) {
			_, err := w.api.LeaveConversation(team)
			must(t, err)
			have, _ := w.Channel(team)
			return have.Members, []string{matsu}
		},
		"conversations.setTopic": func(t *testing.T, w *world) (any, any) {
			c, err := w.api.SetTopicOfConversation(team, "当番: <@U0MATSU>")
			must(t, err)
			have, _ := w.Channel(team)
			return []any{c.Topic.Value, c.Topic.Creator, have.Topic}, []any{"当番: <@U0MATSU>", bot, "当番: <@U0MATSU>"}
		},
		"conversations.setPurpose": func(t *testing.T, w *world) (any, any) {
			_, err := w.api.SetPurposeOfConversation(team, "why")
			must(t, err)
			have, _ := w.Channel(team)
			return have.Purpose, "why"
		},
		"conversations.archive": func(t *testing.T, w *world) (any, any) {
			must(t, w.api.ArchiveConversation(team))
			have, _ := w.Channel(team)
			return have.Archived, true
		},
		"conversations.unarchive": func(t *testing.T, w *world) (any, any) {
			must(t, w.api.UnArchiveConversation(old))
			have, _ := w.Channel(old)
			return have.Archived, false
		},
		"conversations.join": func(t *testing.T, w *world) (any, any) {
			c, warning, _, err := w.api.JoinConversation(side)
			must(t, err)
			_, again, _, err := w.api.JoinConversation(side)
			must(t, err)
			return []any{c.ID, warning, again}, []any{side, "", "already_in_channel"}
		},
		"conversations.open": func(t *testing.T, w *world) (any, any) {
			c, _, already, err := w.api.OpenConversation(&sdk.OpenConversationParameters{Users: []string{matsu}, ReturnIM: true})
			must(t, err)
			same, _, again, err := w.api.OpenConversation(&sdk.OpenConversationParameters{Users: []string{matsu}})
			must(t, err)
			return []any{c.IsIM, c.User, already, again, same.ID == c.ID}, []any{true, matsu, false, true, true}
		},
		"conversations.info": func(t *testing.T, w *world) (any, any) {
			c, err := w.api.GetConversationInfo(&sdk.GetConversationInfoInput{ChannelID: old, IncludeNumMembers: true})
			must(t, err)
			return []any{c.Name, c.IsArchived, c.NumMembers, c.IsMember}, []any{"inc-7", true, 2, true}
		},
		"conversations.list": func(t *testing.T, w *world) (any, any) {
			list, err := w.api.GetAllConversations(sdk.GetConversationsOptionLimit(2), sdk.GetConversationsOptionTypes([]string{"public_channel", "private_channel"}), sdk.GetConversationsOptionExcludeArchived(true))
			must(t, err)
			var names []string
			for _, c := range list {
				names = append(names, c.Name)
			}
			return []any{names, len(w.Requests("conversations.list"))}, []any{[]string{"team-checkout", "side", "inner", "general"}, 2}
		},
		"conversations.members": func(t *testing.T, w *world) (any, any) {
			first, cursor, err := w.api.GetUsersInConversation(&sdk.GetUsersInConversationParameters{ChannelID: team, Limit: 1})
			must(t, err)
			rest, end, err := w.api.GetUsersInConversation(&sdk.GetUsersInConversationParameters{ChannelID: team, Limit: 1, Cursor: cursor})
			must(t, err)
			return []any{first, rest, end}, []any{[]string{bot}, []string{matsu}, ""}
		},
		"conversations.history": func(t *testing.T, w *world) (any, any) {
			for range 3 {
				w.post(t, team)
			}
			p := &sdk.GetConversationHistoryParameters{ChannelID: team, Limit: 2, IncludeAllMetadata: true}
			h, err := w.api.GetConversationHistory(p)
			must(t, err)
			w.post(t, team) // moves no page
			p.Cursor = h.ResponseMetaData.NextCursor
			h2, err := w.api.GetConversationHistory(p)
			must(t, err)
			return []any{len(h.Messages), h.HasMore, h.Messages[0].Metadata.EventPayload["incident"], h.Messages[0].Timestamp > h.Messages[1].Timestamp, len(h2.Messages), h2.HasMore},
				[]any{2, true, "#482", true, 1, false}
		},
		"conversations.replies": func(t *testing.T, w *world) (any, any) {
			ts := w.post(t, team)
			_, _, err := w.api.PostMessage(team, sdk.MsgOptionText("reply", false), sdk.MsgOptionTS(ts))
			must(t, err)
			list, _, _, err := w.api.GetConversationReplies(&sdk.GetConversationRepliesParameters{ChannelID: team, Timestamp: ts})
			must(t, err)
			h, err := w.api.GetConversationHistory(&sdk.GetConversationHistoryParameters{ChannelID: team})
			must(t, err)
			return []any{len(list), list[0].ReplyCount, list[1].Text, list[1].ThreadTimestamp == ts, len(h.Messages)}, []any{2, 1, "reply", true, 1}
		},
		"conversations.rename": func(t *testing.T, w *world) (any, any) {
			c, err := w.api.CreateConversation(sdk.CreateConversationParams{ChannelName: "inc-1"})
			must(t, err)
			c, err = w.api.RenameConversation(c.ID, "inc-1-closed")
			must(t, err)
			return []any{c.Name, c.PreviousNames}, []any{"inc-1-closed", []string{"inc-1"}}
		},
		"users.lookupByEmail": func(t *testing.T, w *world) (any, any) {
			u, err := w.api.GetUserByEmail("Matsu@example.jp")
			must(t, err)
			return []any{u.ID, u.RealName, u.Profile.Email, u.TZ}, []any{matsu, "松", "matsu@example.jp", "Asia/Tokyo"}
		},
		"users.info": func(t *testing.T, w *world) (any, any) {
			u, err := w.api.GetUserInfo(bot)
			must(t, err)
			return []any{u.IsBot, u.Profile.BotID}, []any{true, "B0SIMBOT"}
		},
		"users.list": func(t *testing.T, w *world) (any, any) {
			list, err := w.api.GetUsers(sdk.GetUsersOptionLimit(2))
			must(t, err)
			return []any{len(list), list[2].Deleted, len(w.Requests("users.list"))}, []any{4, true, 2}
		},
		"usergroups.list": func(t *testing.T, w *world) (any, any) {
			list, err := w.api.GetUserGroups(sdk.GetUserGroupsOptionIncludeUsers(true), sdk.GetUserGroupsOptionIncludeCount(true))
			must(t, err)
			return []any{list[0].ID, list[0].Handle, list[0].Users, list[0].UserCount}, []any{group, "oncall-checkout", []string{matsu}, 1}
		},
		"usergroups.users.update": func(t *testing.T, w *world) (any, any) {
			g, err := w.api.UpdateUserGroupMembers(group, take+","+matsu)
			must(t, err)
			return []any{g.Users, w.GroupMembers("@oncall-checkout")}, []any{[]string{matsu, take}, []string{matsu, take}}
		},
		"usergroups.users.list": func(t *testing.T, w *world) (any, any) {
			list, err := w.api.GetUserGroupMembers(group)
			must(t, err)
			return list, []string{matsu}
		},
		"reactions.add": func(t *testing.T, w *world) (any, any) {
			must(t, w.api.AddReaction("eyes", sdk.NewRefToMessage(team, w.post(t, team))))
			return w.Messages(team)[0].Reactions, []slack.Reaction{{Name: "eyes", Users: []string{bot}}}
		},
		"pins.add": func(t *testing.T, w *world) (any, any) {
			ts := w.post(t, team)
			must(t, w.api.AddPin(team, sdk.NewRefToMessage(team, ts)))
			have, _ := w.Channel(team)
			return have.Pinned, []string{ts}
		},
		"bookmarks.add": func(t *testing.T, w *world) (any, any) {
			b, err := w.api.AddBookmark(team, sdk.AddBookmarkParameters{Title: "#482", Type: "link", Link: "https://toban.example.jp/incidents/482"})
			must(t, err)
			have, _ := w.Channel(team)
			return []any{b.Title, have.Bookmarks[0].ID == b.ID}, []any{"#482", true}
		},
		"apps.connections.open": func(_ *testing.T, w *world) (any, any) {
			_, _, err := w.api.StartSocketModeContext(context.Background())
			app := sdk.New(token, sdk.OptionAppLevelToken(token), sdk.OptionAPIURL("http://slack.invalid/api/"), sdk.OptionHTTPClient(w.web))
			_, _, err2 := app.StartSocketModeContext(context.Background())
			return []string{errText(err), errText(err2)}, []string{"not_authed", "not_allowed_token_type"}
		},
	} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(o *slack.Options) { o.BotMayUnarchive = true })
				got, want := do(t, w)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if method, _, _ := strings.Cut(method, " "); len(w.Requests(method)) == 0 {
					t.Errorf("no request for %s", method)
				}
			})
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func firstOf(list string) string { first, _, _ := strings.Cut(list, ","); return first }

// TestARefusalNamesWhatIsMissing is how an operator learns which scope to add.
func TestARefusalNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *slack.Options) { o.Scopes = []string{"chat:write", "channels:read"} })
	_, err := w.api.CreateConversation(sdk.CreateConversationParams{ChannelName: "x"})
	var refused sdk.SlackErrorResponse
	if !errors.As(err, &refused) || refused.Err != "missing_scope" || refused.Needed != "channels:manage" || refused.Provided != "chat:write,channels:read" {
		t.Errorf("create: %+v", err)
	}
	for method, needed := range map[string]string{
		"conversations.create is_private": "groups:write", "users.lookupByEmail": "users:read.email", "conversations.history": "channels:history",
		"usergroups.users.update": "usergroups:write", "reactions.add": "reactions:write", "conversations.join": "channels:join",
	} {
		name, flag, _ := strings.Cut(method, " ")
		args := []string{"channel", team}
		if flag != "" {
			args = append(args, flag, "true")
		}
		if out := w.call(t, name, args...); out["needed"] != needed || code(out) != "missing_scope" {
			t.Errorf("%s: %v, want missing_scope and %s", method, out, needed)
		}
	}
	if _, _, err := w.api.PostMessage(side, sdk.MsgOptionText("x", false)); errText(err) != "not_in_channel" {
		t.Errorf("posting into a channel without chat:write.public: %v, want not_in_channel", err)
	}
}

func TestTheRequestsAreKeptWithoutTheToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.post(t, team)
	r := w.Requests("chat.postMessage")
	if len(r) != 1 || r[0].Args["channel"] != team || r[0].Status != http.StatusOK || r[0].Done.Before(r[0].At) {
		t.Errorf("requests: %+v", r)
	}
	if _, has := r[0].Args["token"]; has {
		t.Error("the log has the token")
	}
}

func TestATimestampIsNeverGivenTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // where the clock stands still
		w := newWorld(t)
		var seen []string
		for range 50 {
			seen = append(seen, w.post(t, team))
		}
		if !slices.IsSorted(seen) || len(slices.Compact(slices.Clone(seen))) != 50 {
			t.Errorf("timestamps: %v", seen)
		}
	})
}
