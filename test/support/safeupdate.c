/* What Supabase preloads for the login of its Data API, after https://github.com/eradman/pg-safeupdate: an update or a delete without a
   condition is refused with 21000, in every query that the session parses, those of functions and of `with` included. */

#include "postgres.h"
#include "fmgr.h"
#include "nodes/parsenodes.h"
#include "parser/analyze.h"

PG_MODULE_MAGIC;

static post_parse_analyze_hook_type previous_hook;

static void
refuse_unconditional(Query *query)
{
	ListCell *cell;

	foreach(cell, query->cteList)
	{
		Node *inner = lfirst_node(CommonTableExpr, cell)->ctequery;

		if (IsA(inner, Query))
			refuse_unconditional((Query *) inner);
	}
	if (query->commandType != CMD_UPDATE && query->commandType != CMD_DELETE)
		return;
	if (query->jointree->quals == NULL)
		ereport(ERROR, (errcode(ERRCODE_CARDINALITY_VIOLATION),
						errmsg("%s requires a WHERE clause", query->commandType == CMD_UPDATE ? "UPDATE" : "DELETE")));
}

static void
look(ParseState *state, Query *query, JumbleState *jumble)
{
	refuse_unconditional(query);
	if (previous_hook)
		previous_hook(state, query, jumble);
}

void
_PG_init(void)
{
	previous_hook = post_parse_analyze_hook;
	post_parse_analyze_hook = look;
}
