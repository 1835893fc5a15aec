"""Calls tools of jaeger-mcp over its standard input and output, as an assistant's host does.

Usage: jaeger_mcp_client.py PROGRAM CALLS    PROGRAM: the server; CALLS: JSON, [[tool, arguments], …]
Prints what each call gave, as a JSON list: {"error": bool, "text": str, "data": object or null}.
"""

import asyncio
import json
import os
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def run(program, calls):
    server = StdioServerParameters(command=program, env=dict(os.environ))
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        tools = sorted(tool.name for tool in (await session.list_tools()).tools)
        answers = []
        for tool, arguments in calls:
            result = await session.call_tool(tool, arguments)
            text = "".join(getattr(part, "text", "") for part in result.content)
            answers.append({"error": bool(result.isError), "text": text,
                            "data": result.structuredContent})
        return {"tools": tools, "answers": answers}


print(json.dumps(asyncio.run(run(sys.argv[1], json.loads(sys.argv[2])))))
