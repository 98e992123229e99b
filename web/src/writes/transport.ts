import type { Accepted, Api, Operation } from "../api/client";
import { ApiError } from "../api/errors";
import type { Write } from "./write";

/** How writes reach the service; every method throws ApiError. */
export interface Transport {
  send(write: Write): Promise<Accepted>;
  outcome(accepted: Accepted): Promise<Operation>;
}

/** Sends through the API; `apiKey` gives the administrator's key of this moment, which is kept nowhere else. */
export function apiTransport(api: Api, apiKey: () => string | null): Transport {
  const admin = () => {
    const key = apiKey();
    if (key === null) {
      throw new ApiError(401, "Enter the API key first.");
    }
    return key;
  };
  return {
    send: async (write) => {
      switch (write.kind) {
        case "comment":
          return api.postComment(write.itemId, write.body, write.key);
        case "rating":
          return api.postRating(write.itemId, write.body.rating, write.key);
        case "createItem":
          return api.postItem(write.body, write.key, admin());
        case "updateItem":
          return api.putItem(write.itemId, write.body, write.etag, write.key, admin());
        case "deleteItem":
          return api.deleteItem(write.itemId, write.etag, write.key, admin());
        case "deleteComment":
          return api.deleteComment(write.itemId, write.commentId, write.key, admin());
        case "uploadImage":
          return api.putImage(write.itemId, write.image, write.key, admin());
      }
    },
    outcome: (accepted) => api.getOperation(accepted.operation),
  };
}
