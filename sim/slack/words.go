package slack

// words are the page's texts.
var words = map[string]map[string]string{
	"en": {
		"title": "Chat", "simulated": "simulated — nothing leaves this machine", "simulated.short": "simulated — nothing leaves this machine", "stale": "not live since",
		"channels": "Channels", "archived": "archived", "private": "private", "as": "You are", "switch": "Switch",
		"topic": "Topic", "notopic": "no topic", "members": "Members", "nobody": "nobody", "back": "All channels",
		"empty": "Nothing has been posted here yet.", "nochannel": "There is no such channel (any more).", "earlier": "Earlier messages are not shown.",
		"edited": "edited", "app": "app", "onlyyou": "Only visible to you", "reply": "in the thread", "send": "Send", "message": "Message to",
		"closed": "This channel is archived. It can be read, and nothing can be posted.", "outside": "You are not in this channel.",
		"failed": "The app did not answer. Nothing may have happened.", "really": "Sure?", "choose": "Choose", "opens": "opens in a new tab",
		"pinned": "pinned", "links": "Links", "image": "picture", "unknown": "a block that this page can't draw",
		"note.channel_join": "joined", "note.channel_leave": "left", "note.channel_topic": "set the topic:", "note.channel_purpose": "set the description:",
		"note.channel_name": "renamed the channel to", "note.channel_archive": "archived the channel", "note.channel_unarchive": "opened the channel again",
	},
	"ja": {
		"title": "チャット", "simulated": "模擬のチャットです。この機械の外へは何も出ません（simulated — nothing leaves this machine）", "simulated.short": "模擬です。この機械の外へは何も出ません", "stale": "更新が止まった時刻",
		"channels": "チャンネル", "archived": "アーカイブ済み", "private": "非公開", "as": "あなた", "switch": "切り替え",
		"topic": "トピック", "notopic": "トピックなし", "members": "メンバー", "nobody": "なし", "back": "チャンネル一覧",
		"empty": "まだ投稿はありません。", "nochannel": "このチャンネルは（もう）ありません。", "earlier": "これより前の投稿は表示していません。",
		"edited": "編集済み", "app": "アプリ", "onlyyou": "あなただけに表示されています", "reply": "スレッドの返信", "send": "送信", "message": "投稿先",
		"closed": "アーカイブ済みのチャンネルです。読むことはできますが、投稿はできません。", "outside": "このチャンネルには参加していません。",
		"failed": "アプリから応答がありませんでした。操作は反映されていないかもしれません。", "really": "よろしいですか", "choose": "選ぶ", "opens": "新しいタブで開きます",
		"pinned": "ピン留め", "links": "リンク", "image": "画像", "unknown": "この画面では表示できないブロック",
		"note.channel_join": "が参加しました", "note.channel_leave": "が退出しました", "note.channel_topic": "がトピックを変更しました：", "note.channel_purpose": "が説明を変更しました：",
		"note.channel_name": "がチャンネル名を変更しました：", "note.channel_archive": "がチャンネルをアーカイブしました", "note.channel_unarchive": "がアーカイブを解除しました",
	},
}
